package store

import (
	"context"
	"time"

	"securemailid.example/internal/order"
)

// reissuesOf returns the requests for the reissue of the order's certificates, oldest first.
func reissuesOf(ctx context.Context, q queryer, number string) ([]order.ReissueOf, error) {
	var rows []struct {
		Number    string
		State     order.State
		AskedAt   time.Time `db:"asked_at"`
		Undecided bool
		Loose     bool
	}
	err := q.SelectContext(ctx, &rows, `
		SELECT DISTINCT o.created_at AS asked_at, o.number, o.state, r.original_order IS NULL AS undecided, r.by_organization AND r.original_order IS NULL AS loose
		FROM reissue_candidates k JOIN reissues r USING (number) JOIN orders o USING (number)
		WHERE k.order_number = $1 AND (r.original_order IS NULL OR r.original_order = $1) ORDER BY asked_at, o.number`, number)
	out := make([]order.ReissueOf, len(rows))
	for i, r := range rows {
		out[i] = order.ReissueOf{Number: r.Number, State: r.State, AskedAt: r.AskedAt.UTC(), Undecided: r.Undecided, Holds: !r.State.Final() && !r.Loose}
	}
	return out, err
}

// reissueView is nil for an order that is none.
func reissueView(ctx context.Context, q queryer, o standing) (*order.ReissueView, error) {
	if o.Type != order.Reissue {
		return nil, nil //nolint:nilnil // an order that is no reissue has no such view
	}
	r, err := reissue(ctx, q, o.Number)
	if err != nil {
		return nil, err
	}
	all, err := candidates(ctx, q, o.Number)
	v := &order.ReissueView{Asked: r.Asked, Reason: r.Reason, ReasonText: r.ReasonText}
	for _, c := range all {
		v.Candidates = append(v.Candidates, c.View())
		if c.Ref() == r.original() {
			v.Original = new(c.View())
		}
	}
	return v, err
}

// decideReview records the decision of staff (G26). Approved, the order goes on to the validation of its domain; where several
// certificates fitted, it becomes a reissue of the one that was chosen.
func (c *change) decideReview(ctx context.Context, o standing, cmd order.ReviewDecided, at time.Time) (detail, error) {
	if o.State != order.Review || o.Type != order.Reissue {
		return nil, wrongState(o.State)
	}
	if cmd.Approved == nil || !*cmd.Approved {
		return detail{"approved": false}, nil
	}
	v, err := reissueView(ctx, c, o)
	if err != nil {
		return nil, err
	}
	chosen, err := v.Choose(cmd.Original)
	if err != nil {
		return nil, err
	}
	if v.Original == nil {
		if err := c.free(ctx, o.Number, chosen.CertificateRef); err != nil {
			return nil, err
		}
		if err := c.choose(ctx, o.Number, chosen.CertificateRef); err != nil {
			return nil, err
		}
	}
	return detail{"approved": true, "original": refText(chosen.CertificateRef)}, c.move(ctx, o, order.DomainValidation, at)
}

// choose makes the order a reissue of one of its candidates.
func (c *change) choose(ctx context.Context, number string, ref order.CertificateRef) error {
	var asked document[order.Application]
	if err := c.GetContext(ctx, &asked, `SELECT application FROM orders WHERE number = $1`, number); err != nil {
		return err
	}
	chosen, err := originals(ctx, c, `WHERE c.order_number = $1 AND c.sequence = $2`, ref.Order, ref.Sequence)
	if err != nil {
		return err
	}
	original := chosen[0] // a candidate exists: reissue_candidates_certificate
	app := original.Reissued(asked.V)
	if _, err := c.ExecContext(ctx, `UPDATE reissues SET original_order = $2, original_sequence = $3, expires_at = $4 WHERE number = $1`,
		number, ref.Order, ref.Sequence, stored(original.NotAfter)); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, `
		UPDATE orders SET application = $2, subject = $3, certificate_email = $4, domain = $5, validity_years = $6, dcv_method = $7,
			deadline_at = least(deadline_at, $8) WHERE number = $1`,
		number, asJSON(app), asJSON(app.Subject()), app.CertificateEmail, original.Domain, app.ValidityYears, app.DCVMethod, stored(original.NotAfter))
	return err
}

// reviewed adds to the answer what an approval has settled.
func (c *change) reviewed(ctx context.Context, o standing, cmd order.Command, out *order.Recorded) error {
	d, ok := cmd.(order.ReviewDecided)
	if !ok || d.Approved == nil || !*d.Approved {
		return nil
	}
	r, err := reissue(ctx, c, o.Number)
	if err != nil {
		return err
	}
	out.Reissue = &order.Reviewed{Original: r.original(), Compromised: r.Reason == order.KeyCompromise}
	var now struct {
		Method   order.DCVMethod `db:"dcv_method"`
		Deadline time.Time       `db:"deadline_at"`
	}
	err = c.GetContext(ctx, &now, `SELECT dcv_method, deadline_at FROM orders WHERE number = $1`, o.Number)
	out.Reissue.Method, out.Reissue.DeadlineAt = now.Method, now.Deadline.UTC()
	return err
}
