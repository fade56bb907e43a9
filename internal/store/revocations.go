package store

import (
	"context"
	"database/sql"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// RequestRevocation keeps the request and, unless staff still have to decide, revokes at once what it names: its certificate, or for a
// compromised key every certificate with it that has not expired, and the key is blocked; a mere claim reaches only the claimant's own
// (confine). A link that confirms the request is used up with it. The same id again changes nothing. A request for what is revoked already is
// answered with the request that did it, and kept as well only where somebody who reported it waits to be told. An unknown certificate is
// NotFound, an expired one and a link that no longer works are Conflicts.
func (s *Store) RequestRevocation(ctx context.Context, r order.RevocationRequest) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		known, err := revocation(ctx, c, r.ID)
		if fault.KindOf(err) != fault.NotFound {
			out = known
			return err
		}
		t, err := c.lockTargets(ctx, r)
		if err != nil {
			return err
		}
		t, foreign, err := c.confine(ctx, r, t)
		if err != nil {
			return err
		}
		if by := t.settledBy(r.Reason); by != "" {
			out, err = c.settled(ctx, r, t, by)
			return err
		}
		if r.Link != "" {
			if err := c.useRevocationLink(ctx, r, t); err != nil {
				return err
			}
		}
		if err := c.keepRequest(ctx, r, t); err != nil {
			return err
		}
		if !r.Undecided {
			if err := c.revoke(ctx, r, t); err != nil {
				return err
			}
		}
		if len(foreign) > 0 {
			if err := c.reportClaim(ctx, r, t.named[0], foreign); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, r.ID)
		return err
	})
	return out, err
}

// settled answers a request for what another one has brought about already.
func (c *change) settled(ctx context.Context, r order.RevocationRequest, t targets, by string) (order.Revocation, error) {
	known, err := revocation(ctx, c, by)
	if err != nil || r.Reporter == "" {
		return known, err
	}
	r.Undecided, r.Reason = false, known.Reason
	if err := c.keepRequest(ctx, r, t); err != nil {
		return known, err
	}
	for _, issuer := range known.Issuers() {
		if err := c.markPublished(ctx, issuer, r.At); err != nil {
			return known, err
		}
	}
	return revocation(ctx, c, r.ID)
}

// keepRequest stores the request with the certificates that it names.
func (c *change) keepRequest(ctx context.Context, r order.RevocationRequest, t targets) error {
	decided := r.At
	if r.Undecided {
		decided = time.Time{}
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO revocations (id, origin, actor, reason, note, requested_at, due_at, decided_at, reporter, answer_due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.Origin, r.Actor, int(r.Reason), r.Note, stored(r.At), stored(r.DueAt), timeOrNull(decided), r.Reporter, timeOrNull(r.AnswerDueAt)); err != nil {
		return err
	}
	if err := c.nameCertificates(ctx, r.ID, t); err != nil {
		return err
	}
	for _, number := range t.orders() {
		detail := map[string]any{"request": r.ID, "reason": r.Reason.String(), "origin": r.Origin}
		if err := c.note(number, r.Actor, "revocation-requested", detail, r.At); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) nameCertificates(ctx context.Context, id string, t targets) error {
	for _, each := range t.certificates {
		if _, err := c.ExecContext(ctx, `
			INSERT INTO revocation_certificates (revocation, order_number, sequence, named) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			id, each.Order, each.Sequence, t.names(each)); err != nil {
			return err
		}
	}
	return nil
}

// EscalateRevocation records that the clock of an unfinished request has come to its nth warning, and puts letters into the outbox. What
// has been recorded, or is finished, changes nothing.
func (s *Store) EscalateRevocation(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error {
	return s.escalate(ctx, id, nth, at, letters, "revocation-escalated", `
		UPDATE revocations SET escalations = $2 WHERE id = $1 AND escalations < $2 AND NOT declined AND published_at IS NULL`)
}

// EscalateAnswer is EscalateRevocation for the preliminary answer to a report.
func (s *Store) EscalateAnswer(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error {
	return s.escalate(ctx, id, nth, at, letters, "answer-escalated", `
		UPDATE revocations SET answer_warnings = $2 WHERE id = $1 AND answer_warnings < $2 AND answered_at IS NULL AND decided_at IS NULL AND published_at IS NULL`)
}

func (s *Store) escalate(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter, action, update string) error {
	return s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, update, id, nth))
		if err != nil || n == 0 {
			return err
		}
		return c.tell(ctx, id, action, map[string]any{"request": id, "warning": nth}, letters, at)
	})
}

// RevocationNotified puts the letters about a revocation into the outbox, once.
func (s *Store) RevocationNotified(ctx context.Context, id string, at time.Time, letters []order.Letter) error {
	return s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, `
			UPDATE revocations SET notified_at = $2, answered_at = CASE WHEN answer_due_at IS NOT NULL THEN coalesce(answered_at, $2) END
			WHERE id = $1 AND notified_at IS NULL`, id, stored(at)))
		if err != nil || n == 0 {
			return err
		}
		return c.tell(ctx, id, "revocation-notified", map[string]any{"request": id, "letters": len(letters)}, letters, at)
	})
}

// tell notes something about a request in the trail of every order that it touches, and posts letters about it.
func (c *change) tell(ctx context.Context, id, action string, detail any, letters []order.Letter, at time.Time) error {
	known, err := revocation(ctx, c, id)
	if err != nil {
		return err
	}
	if err := c.postEach(ctx, letters, at); err != nil {
		return err
	}
	numbers := known.Orders()
	if len(numbers) == 0 {
		numbers = []string{""} // a key without certificates
	}
	for _, number := range numbers {
		if err := c.note(number, system, action, detail, at); err != nil {
			return err
		}
	}
	return nil
}

// revocationRow is a request.
type revocationRow struct {
	ID          string
	Origin      order.RevocationOrigin
	Actor       string
	Reason      int
	Note        string
	RequestedAt time.Time    `db:"requested_at"`
	DueAt       time.Time    `db:"due_at"`
	DecidedAt   sql.NullTime `db:"decided_at"`
	Declined    bool
	Answer      string
	PublishedAt sql.NullTime `db:"published_at"`
	NotifiedAt  sql.NullTime `db:"notified_at"`
	Escalations int
	Reporter    string
	AnswerDueAt sql.NullTime `db:"answer_due_at"`
	AnsweredAt  sql.NullTime `db:"answered_at"`
	Findings    string
}

const selectRevocations = `SELECT id, origin, actor, reason, note, requested_at, due_at, decided_at, declined, answer, published_at, notified_at,
	escalations, reporter, answer_due_at, answered_at, findings FROM revocations `

func (r revocationRow) revocation() order.Revocation {
	return order.Revocation{
		ID: r.ID, Origin: r.Origin, Actor: r.Actor, Reason: order.RevocationReason(r.Reason), Note: r.Note, RequestedAt: r.RequestedAt.UTC(),
		DueAt: r.DueAt.UTC(), DecidedAt: timeOf(r.DecidedAt), Declined: r.Declined, Answer: r.Answer, PublishedAt: timeOf(r.PublishedAt),
		NotifiedAt: timeOf(r.NotifiedAt), Escalations: r.Escalations,
		Reporter: r.Reporter, AnswerDueAt: timeOf(r.AnswerDueAt), AnsweredAt: timeOf(r.AnsweredAt), Findings: r.Findings,
	}
}

// Revocation returns the request as it stands.
func (s *Store) Revocation(ctx context.Context, id string) (order.Revocation, error) {
	r, err := revocation(ctx, s.db, id)
	return r, translate(ctx, err)
}

// UnfinishedRevocations returns the requests that are older than the moment and still have something to come, the most pressing first.
func (s *Store) UnfinishedRevocations(ctx context.Context, before time.Time) ([]order.Revocation, error) {
	out, err := revocations(ctx, s.db, `WHERE NOT declined AND (published_at IS NULL OR notified_at IS NULL) AND requested_at < $1 ORDER BY due_at, id`, stored(before))
	return out, translate(ctx, err)
}

func revocation(ctx context.Context, q queryer, id string) (order.Revocation, error) {
	return oneRevocation(revocations(ctx, q, `WHERE id = $1`, id))
}

func lockRevocation(ctx context.Context, q queryer, id string) (order.Revocation, error) {
	return oneRevocation(revocations(ctx, q, `WHERE id = $1 FOR UPDATE`, id))
}

func oneRevocation(found []order.Revocation, err error) (order.Revocation, error) {
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "revocation.unknown", "該当する失効の申し出がありません。", "There is no such revocation request.")
	}
	if err != nil {
		return order.Revocation{}, err
	}
	return found[0], nil
}

// revocationsOf returns the requests about the order's certificates, oldest first.
func revocationsOf(ctx context.Context, q queryer, number string) ([]order.Revocation, error) {
	return revocations(ctx, q, `WHERE id IN (SELECT revocation FROM revocation_certificates WHERE order_number = $1) ORDER BY requested_at, id`, number)
}

func revocations(ctx context.Context, q queryer, condition string, arg any) ([]order.Revocation, error) {
	var rows []revocationRow
	if err := q.SelectContext(ctx, &rows, selectRevocations+condition, arg); err != nil {
		return nil, err
	}
	out := make([]order.Revocation, len(rows))
	for i, r := range rows {
		out[i] = r.revocation()
		var named []targetRow
		if err := q.SelectContext(ctx, &named, `SELECT `+targetColumns+`, named FROM certificates JOIN revocation_certificates USING (order_number, sequence)
			WHERE revocation_certificates.revocation = $1 ORDER BY order_number, sequence`, r.ID); err != nil {
			return nil, err
		}
		for _, n := range named {
			out[i].Certificates = append(out[i].Certificates, order.RevocationOfOne{
				Order: n.Order, Sequence: n.Sequence, Issuer: n.Issuer, Serial: n.Serial, RevokedAt: timeOf(n.RevokedAt), RevokedBy: n.Revocation.String,
				Named: n.Named,
			})
		}
	}
	return out, nil
}
