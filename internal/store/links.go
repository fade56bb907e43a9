package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// linkRow is a link with what became of it.
type linkRow struct {
	ID        string
	Hash      []byte
	Order     string `db:"order_number"`
	Purpose   order.LinkPurpose
	Challenge sql.NullString
	Sequence  sql.NullInt32
	Recipient string
	ExpiresAt time.Time    `db:"expires_at"`
	EndedAt   sql.NullTime `db:"ended_at"`
	UsedAt    sql.NullTime `db:"used_at"`
	Approved  sql.NullBool
}

const linkColumns = `id, hash, order_number, purpose, challenge, sequence, recipient, expires_at, ended_at, used_at, approved`

func (r linkRow) link() order.Link {
	return order.Link{ID: r.ID, Hash: r.Hash, Order: r.Order, Purpose: r.Purpose, Challenge: r.Challenge.String, Sequence: int(r.Sequence.Int32), Recipient: r.Recipient,
		ExpiresAt: r.ExpiresAt.UTC(), UsedAt: timeOf(r.UsedAt)}
}

// Link returns the link whose token has the hash, used, expired or not. One that is not known is NotFound; one that a newer mail
// has replaced is a Conflict of code link.replaced; one by which nothing is left to decide, of code link.settled or link.closed.
func (s *Store) Link(ctx context.Context, hash []byte) (order.Link, error) {
	return s.link(ctx, `SELECT `+linkColumns+` FROM links WHERE hash = $1`, hash)
}

// LinkByID is Link by the id, which is no secret.
func (s *Store) LinkByID(ctx context.Context, id string) (order.Link, error) {
	return s.link(ctx, `SELECT `+linkColumns+` FROM links WHERE id = $1`, id)
}

func (s *Store) link(ctx context.Context, query string, arg any) (order.Link, error) {
	var r linkRow
	if err := s.db.GetContext(ctx, &r, query, arg); err != nil {
		return order.Link{}, translate(ctx, orNotFound(err, unknownLink()))
	}
	if r.EndedAt.Valid {
		return order.Link{}, translate(ctx, r.ended(ctx, s.db))
	}
	return r.link(), nil
}

// ended says why the link does not work any more: several addresses are asked about one domain, and whoever comes second is told that it is
// settled, not to look for a newer mail.
func (r linkRow) ended(ctx context.Context, q queryer) error {
	if r.Purpose != order.LinkApproval {
		return replacedLink()
	}
	var now struct {
		State  order.State
		Proved bool
	}
	if err := q.GetContext(ctx, &now, `
		SELECT state, state IN ('organization-validation', 'issuing', 'issued') OR EXISTS (
			SELECT FROM challenges WHERE order_number = number AND satisfied_at IS NOT NULL AND ended_at IS NULL) AS proved
		FROM orders WHERE number = $1`, r.Order); err != nil {
		return err
	}
	switch {
	case now.State.Final() && now.State != order.Issued:
		return fault.New(fault.Conflict, "link.closed", "この申請はすでに終了しています。行っていただくことはありません。", "This application has ended. There is nothing more to do.")
	case now.Proved:
		return fault.New(fault.Conflict, "link.settled", "このドメイン名の認証は、ほかの宛先の方の承認などによって、すでに完了しています。行っていただくことはありません。",
			"This domain has already been validated, for example by the approval of another recipient. There is nothing more to do.")
	default:
		return replacedLink()
	}
}

// insertLinks keeps links of the order, or of another one that they name.
func (c *change) insertLinks(ctx context.Context, number string, links []order.Link) error {
	if len(links) == 0 {
		return nil
	}
	_, err := c.ExecContext(ctx, `
		INSERT INTO links (id, hash, order_number, purpose, challenge, sequence, recipient, expires_at)
		SELECT l.id, decode(l.hash, 'hex'), coalesce(l.order_number, $1), l.purpose, l.challenge, l.sequence, l.recipient, l.expires_at
		FROM jsonb_to_recordset($2) AS l(`+newLinkColumns+`)`,
		number, asJSON(newLinks(links)))
	return err
}

// newLinkColumns are the columns of newLink, for jsonb_to_recordset.
const newLinkColumns = `letter text, id text, hash text, order_number text, purpose text, challenge text, sequence integer, recipient text,
	expires_at timestamptz`

// newLink is a link on its way into the record.
type newLink struct {
	Letter    string            `json:"letter"` // that carries it; empty for a link of none
	ID        string            `json:"id"`
	Hash      string            `json:"hash"` // hex
	Order     *string           `json:"order_number"`
	Purpose   order.LinkPurpose `json:"purpose"`
	Challenge *string           `json:"challenge"`
	Sequence  *int              `json:"sequence"`
	Recipient string            `json:"recipient"`
	ExpiresAt time.Time         `json:"expires_at"`
}

func newLinks(links []order.Link) []newLink {
	out := make([]newLink, len(links))
	for i, l := range links {
		out[i] = newLink{ID: l.ID, Hash: hex.EncodeToString(l.Hash), Purpose: l.Purpose, Recipient: l.Recipient, ExpiresAt: stored(l.ExpiresAt)}
		if l.Order != "" {
			out[i].Order = &l.Order
		}
		if l.Sequence > 0 {
			out[i].Sequence = &l.Sequence
		}
		if l.Challenge != "" {
			out[i].Challenge = &l.Challenge
		}
	}
	return out
}

// AddLink keeps a link that nobody was mailed with a letter, such as the status link on the receipt page. A repeat with the same hash
// changes nothing. An order that does not exist is NotFound.
func (s *Store) AddLink(ctx context.Context, l order.Link) error {
	return s.change(ctx, func(c *change) error {
		if _, err := c.lockOrder(ctx, l.Order); err != nil {
			return err
		}
		var known bool
		if err := c.GetContext(ctx, &known, `SELECT EXISTS (SELECT FROM links WHERE hash = $1)`, l.Hash); err != nil || known {
			return err
		}
		if err := c.insertLinks(ctx, l.Order, []order.Link{l}); err != nil {
			return err
		}
		return c.note(l.Order, system, "link-added", map[string]any{"link": l.ID, "purpose": l.Purpose}, s.now())
	})
}

// endApprovalLinks makes the order's unused approval links worthless.
func (c *change) endApprovalLinks(ctx context.Context, number string, at time.Time) error {
	_, err := c.ExecContext(ctx, `
		UPDATE links SET ended_at = $2 WHERE order_number = $1 AND purpose = 'approval' AND used_at IS NULL AND ended_at IS NULL`,
		number, stored(at))
	return err
}

// DecideApproval uses up the approval link once and returns the address that it had been sent to. An expired or replaced link,
// or one used for the other decision, is a Conflict; the same decision again is a repeat. A link of another order than e.Order is
// unknown: no order can be decided with the link of another. With approved it also does what RecordDomainEvidence does.
func (s *Store) DecideApproval(ctx context.Context, link string, approved bool, e dcv.Evidence) (recipient string, err error) {
	err = s.change(ctx, func(c *change) error {
		var r linkRow
		if err := c.GetContext(ctx, &r, `SELECT `+linkColumns+` FROM links WHERE id = $1 AND purpose = 'approval'`, link); err != nil {
			return orNotFound(err, unknownLink())
		}
		if r.Order != e.Order {
			return unknownLink()
		}
		o, err := c.lockOrder(ctx, r.Order)
		if err != nil {
			return err
		}
		// The first look was only to find the order: what holds is what is read under its lock.
		if err := c.GetContext(ctx, &r, `SELECT `+linkColumns+` FROM links WHERE id = $1`, link); err != nil {
			return err
		}
		recipient = r.Recipient
		if r.UsedAt.Valid && r.Approved.Bool == approved {
			return nil
		}
		if r.EndedAt.Valid && !r.UsedAt.Valid {
			return r.ended(ctx, c)
		}
		if err := r.usable(e.At); err != nil {
			return err
		}
		if o.State != order.DomainValidation {
			return wrongState(o.State)
		}
		e.Challenge = r.Challenge.String
		return c.decide(ctx, o, r, approved, e)
	})
	if err != nil {
		return "", err
	}
	return recipient, nil
}

// usable returns why the link cannot decide anything any more, or nil.
func (r linkRow) usable(at time.Time) error {
	switch {
	case r.UsedAt.Valid:
		return fault.New(fault.Conflict, "link.used", "このリンクは既に使われています。", "This link has been used already.")
	case r.EndedAt.Valid:
		return replacedLink()
	case !stored(at).Before(r.ExpiresAt):
		return fault.New(fault.Conflict, "link.expired", "このリンクは有効期限を過ぎています。", "This link has expired.")
	default:
		return nil
	}
}

func (c *change) decide(ctx context.Context, o standing, r linkRow, approved bool, e dcv.Evidence) error {
	if _, err := c.ExecContext(ctx, `UPDATE links SET used_at = $2, approved = $3 WHERE id = $1`, r.ID, stored(e.At), approved); err != nil {
		return err
	}
	if approved {
		return c.satisfy(ctx, o, e)
	}
	return c.note(o.Number, e.Actor, "domain-denied", map[string]any{"method": e.Method}, e.At)
}

func unknownLink() *fault.Error {
	return fault.New(fault.NotFound, "link.unknown", "このリンクは無効です。", "This link is not valid.")
}

func replacedLink() *fault.Error {
	return fault.New(fault.Conflict, "link.replaced", "このリンクは新しいものに置き換えられたか、不要になりました。新しいメールが届いている場合は、最も新しいメールをご確認ください。",
		"This link has been replaced by a newer one or is no longer needed. If a newer mail has come, please use that.")
}
