package store

import (
	"context"
	"database/sql"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// letterColumns are the columns of letterRow, for jsonb_to_recordset.
const letterColumns = `id text, kind text, key text, recipient text, language text, facts jsonb, created_at timestamptz`

// letterRow is a letter on its way into the outbox.
type letterRow struct {
	ID        string           `json:"id"`
	Kind      order.LetterKind `json:"kind"`
	Key       string           `json:"key"`
	Recipient string           `json:"recipient"`
	Language  order.Language   `json:"language"`
	Facts     order.Facts      `json:"facts"`
	CreatedAt time.Time        `json:"created_at"`
}

// rowsOf returns the letters as rows; one without a time of its own is of at.
func rowsOf(letters []order.Letter, at time.Time) []letterRow {
	out := make([]letterRow, len(letters))
	for i, l := range letters {
		if l.CreatedAt.IsZero() {
			l.CreatedAt = at
		}
		out[i] = letterRow{l.ID, l.Kind, l.Key, l.Recipient, l.Language, l.Facts, stored(l.CreatedAt)}
	}
	return out
}

// linksOf returns the links that the letters carry as rows.
func linksOf(letters []order.Letter) []newLink {
	out := []newLink{}
	for _, l := range letters {
		for _, link := range newLinks(l.Links) {
			link.Letter = l.ID
			out = append(out, link)
		}
	}
	return out
}

// posting are the steps of a statement that put letters ($2) into the outbox with their links ($3); the links of those that were there are
// dropped. The step before, changed, returns the number of the order; without one nothing is posted.
const posting = `
	posted AS (
		INSERT INTO letters (id, order_number, kind, key, recipient, language, facts, created_at)
		SELECT l.id, changed.number, l.kind, l.key, l.recipient, l.language, l.facts, l.created_at
		FROM changed, jsonb_to_recordset($2) AS l(` + letterColumns + `)
		ON CONFLICT DO NOTHING RETURNING id, order_number
	), linked AS (
		INSERT INTO links (id, hash, order_number, purpose, challenge, sequence, recipient, expires_at)
		SELECT l.id, decode(l.hash, 'hex'), coalesce(l.order_number, posted.order_number), l.purpose, l.challenge, l.sequence, l.recipient, l.expires_at
		FROM posted JOIN jsonb_to_recordset($3) AS l(` + newLinkColumns + `) ON l.letter = posted.id
	)`

const postLetters = `WITH changed AS (SELECT $1::text AS number), ` + posting + ` SELECT count(*) FROM posted`

// post puts the order's letters with their links into the outbox and returns how many were not there yet; the links of those that
// were are dropped.
func (c *change) post(ctx context.Context, number string, letters []order.Letter, at time.Time) (posted int, err error) {
	if len(letters) == 0 {
		return 0, nil
	}
	err = c.GetContext(ctx, &posted, postLetters, number, asJSON(rowsOf(letters, at)), asJSON(linksOf(letters)))
	return posted, err
}

// PendingLetters returns the order's undelivered letters, oldest first; one that was refused for good is not among them.
func (s *Store) PendingLetters(ctx context.Context, number string) ([]order.Letter, error) {
	kept, err := letters(ctx, s.db, number, `state = 'pending'`)
	out := make([]order.Letter, len(kept))
	for i, k := range kept {
		out[i] = k.Letter
	}
	return out, translate(ctx, err)
}

// keptLetter is a letter whose facts are still there.
type keptLetter struct {
	order.Letter
	state order.LetterState
}

// letters returns those letters of the order that the condition, which is ours, chooses: oldest first.
func letters(ctx context.Context, q queryer, number, condition string) ([]keptLetter, error) {
	var rows []struct {
		ID, Kind, Key, Recipient, Language string
		Facts                              document[order.Facts]
		CreatedAt                          time.Time `db:"created_at"`
		State                              order.LetterState
	}
	err := q.SelectContext(ctx, &rows, `
		SELECT id, kind, key, recipient, language, facts, created_at, state FROM letters
		WHERE order_number = $1 AND `+condition+` ORDER BY created_at, position`, number)
	out := make([]keptLetter, len(rows))
	for i, r := range rows {
		out[i] = keptLetter{order.Letter{ID: r.ID, Order: number, Kind: order.LetterKind(r.Kind), Key: r.Key, Recipient: r.Recipient,
			Language: order.Language(r.Language), Facts: r.Facts.V, CreatedAt: r.CreatedAt.UTC()}, r.State}
	}
	return out, err
}

// LetterDone records the fate of a delivery attempt: sent wipes the facts, failed takes the secret links out of them, pending
// counts the attempt. What is sent or failed stays; an attempt that is not later than the last one recorded is a repeat.
func (s *Store) LetterDone(ctx context.Context, id string, state order.LetterState, reply string, at time.Time) error {
	at, reply = stored(at), shorten(reply)
	if state == order.LetterPending {
		return s.countAttempt(ctx, id, reply, at)
	}
	return s.change(ctx, func(c *change) error {
		l, err := c.lockLetter(ctx, id)
		if err != nil || l.State != order.LetterPending {
			return err
		}
		if _, err := c.ExecContext(ctx, `
			UPDATE letters SET state = $2, facts = CASE WHEN $2::text = 'failed' THEN facts - 'link' - 'status_link' - 'stop_link' END, attempts = attempts + 1, last_try_at = $3, last_reply = $4,
				sent_at = CASE WHEN $2::text = 'sent' THEN $3::timestamptz END
			WHERE id = $1`, id, state, at, reply); err != nil {
			return err
		}
		return c.note(l.Order, system, "letter-"+string(state), map[string]any{"kind": l.Kind}, at)
	})
}

type lockedLetter struct {
	Order string `db:"order_number"`
	Kind  order.LetterKind
	State order.LetterState
}

func (c *change) lockLetter(ctx context.Context, id string) (l lockedLetter, err error) {
	err = c.GetContext(ctx, &l, `SELECT order_number, kind, state FROM letters WHERE id = $1 FOR UPDATE`, id)
	return l, orNotFound(err, unknownLetter())
}

func (s *Store) countAttempt(ctx context.Context, id, reply string, at time.Time) error {
	n, err := affected(s.db.ExecContext(ctx, `
		UPDATE letters SET attempts = attempts + 1, last_try_at = $2, last_reply = $3
		WHERE id = $1 AND state = 'pending' AND (last_try_at IS NULL OR last_try_at < $2)`, id, at, reply))
	if err != nil || n == 1 {
		return translate(ctx, err)
	}
	var there bool
	err = s.db.GetContext(ctx, &there, `SELECT true FROM letters WHERE id = $1`, id)
	return translate(ctx, orNotFound(err, unknownLetter()))
}

// RemindLetters puts reminder letters into the outbox, unless their order has ended meanwhile.
func (s *Store) RemindLetters(ctx context.Context, letters []order.Letter) error {
	of := map[string][]order.Letter{}
	for _, l := range letters {
		of[l.Order] = append(of[l.Order], l)
	}
	return s.change(ctx, func(c *change) error {
		for _, number := range sortedKeys(of) {
			o, err := c.lockOrder(ctx, number)
			if err != nil {
				return err
			}
			if o.State.Final() {
				continue
			}
			at := stored(of[number][0].CreatedAt)
			n, err := c.post(ctx, number, of[number], at)
			if err != nil || n == 0 {
				return err
			}
			if err := c.note(number, system, "reminded", map[string]any{"letters": n}, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// letterViews returns every letter of the order as staff see it.
func letterViews(ctx context.Context, q queryer, number string) ([]order.LetterView, error) {
	var rows []struct {
		Kind      order.LetterKind
		Recipient string
		State     order.LetterState
		Attempts  int
		LastReply string       `db:"last_reply"`
		SentAt    sql.NullTime `db:"sent_at"`
	}
	err := q.SelectContext(ctx, &rows, `
		SELECT kind, recipient, state, attempts, last_reply, sent_at FROM letters WHERE order_number = $1 ORDER BY created_at, position`, number)
	out := make([]order.LetterView, len(rows))
	for i, r := range rows {
		out[i] = order.LetterView{Kind: r.Kind, Recipient: r.Recipient, State: r.State, Attempts: r.Attempts, LastReply: r.LastReply, SentAt: timeOf(r.SentAt)}
	}
	return out, err
}

func unknownLetter() *fault.Error {
	return fault.New(fault.NotFound, "letter.unknown", "該当するメールがありません。", "There is no such letter.")
}
