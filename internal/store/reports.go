package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// DecideRevocation carries out what staff have decided about a problem report; letters say so to those who wait for an answer. The same
// decision again changes nothing; another one is a Conflict.
func (s *Store) DecideRevocation(ctx context.Context, id string, d order.RevocationDecision, letters []order.Letter) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		known, err := revocation(ctx, c, id)
		if err != nil {
			return err
		}
		r := order.RevocationRequest{ID: id, Origin: order.RevocationByStaff, Actor: d.Actor, Reason: d.Reason, At: d.At}
		t, err := c.lockReported(ctx, known, r)
		if err != nil {
			return err
		}
		if known, err = lockRevocation(ctx, c, id); err != nil {
			return err
		}
		if !known.Undecided() {
			out = known
			return decidedAlready(known, d)
		}
		if err := c.decideReport(ctx, id, d); err != nil {
			return err
		}
		if d.Revoke {
			if err := c.nameCertificates(ctx, id, t); err != nil {
				return err
			}
			if err := c.revoke(ctx, r, t); err != nil {
				return err
			}
		}
		if err := c.postEach(ctx, letters, d.At); err != nil {
			return err
		}
		for _, number := range t.orders() {
			if err := c.note(number, d.Actor, "revocation-decided", map[string]any{"request": id, "revoked": d.Revoke}, d.At); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, id)
		return err
	})
	return out, err
}

func (c *change) decideReport(ctx context.Context, id string, d order.RevocationDecision) error {
	_, err := c.ExecContext(ctx, `
		UPDATE revocations SET decided_at = $2, declined = $3, answer = $4, reason = CASE WHEN $3 THEN reason ELSE $5 END,
			due_at = CASE WHEN $3 OR $6 = 0 THEN due_at ELSE least(due_at, requested_at + make_interval(secs => $6)) END,
			answered_at = CASE WHEN $3 AND answer_due_at IS NOT NULL THEN coalesce(answered_at, $2) ELSE answered_at END
		WHERE id = $1`,
		id, stored(d.At), !d.Revoke, d.Answer, int(d.Reason), d.Within.Seconds())
	return err
}

func decidedAlready(known order.Revocation, d order.RevocationDecision) error {
	if known.Declined == !d.Revoke {
		return nil
	}
	return fault.New(fault.Conflict, "revocation.decided", "この失効の申し出には、すでに別の判断が記録されています。",
		"This request has been decided otherwise already.")
}

// AnswerReport records the preliminary answer to a problem report and puts its letters into the outbox. The same answer again changes
// nothing; another one, and an answer to what is no open report, is a Conflict.
func (s *Store) AnswerReport(ctx context.Context, id string, a order.ReportAnswer, letters []order.Letter) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		var err error
		if out, err = lockRevocation(ctx, c, id); err != nil || out.Findings == a.Findings {
			return err
		}
		if !out.Unanswered() {
			return fault.New(fault.Conflict, "revocation.answered", "この申し出は、すでに回答済みか、回答を待っている通報ではありません。",
				"This request has been answered already, or is no report that waits for an answer.")
		}
		if _, err := c.ExecContext(ctx, `UPDATE revocations SET answered_at = $2, findings = $3 WHERE id = $1`, id, stored(a.At), a.Findings); err != nil {
			return err
		}
		if err := c.postEach(ctx, letters, a.At); err != nil {
			return err
		}
		for _, number := range out.Orders() {
			if err := c.note(number, a.Actor, "report-answered", map[string]any{"request": id, "letters": len(letters)}, a.At); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, id)
		return err
	})
	return out, err
}

func (c *change) postEach(ctx context.Context, letters []order.Letter, at time.Time) error {
	for _, l := range letters {
		if _, err := c.post(ctx, l.Order, []order.Letter{l}, at); err != nil {
			return err
		}
	}
	return nil
}
