package app

import (
	"context"

	"github.com/google/uuid"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Revoke records a request under the clock of the rules in force and sets out to publish and tell it. Urgent is for a finding that has 24
// hours whatever its reason: a request that was not authorised, a validation that cannot be relied on (SBR 4.9.1.1). The certificate
// counts as revoked when this returns, and OCSP says so within seconds. If Temporal does not answer the request is taken up later by itself.
func (d *Desk) Revoke(ctx context.Context, r order.RevocationRequest, urgent bool) (order.Revocation, error) {
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	r.At = d.Clock()
	rules := d.Rules.At(r.At)
	r.DueAt = r.At.Add(rules.RevocationClock(r.Origin, r.Reason))
	if urgent {
		r.DueAt = r.At.Add(rules.RevokeAsked)
	}
	if r.Undecided {
		r.AnswerDueAt = r.At.Add(rules.ReportAnswer)
	}
	if err := fault.InvalidFields(r.Check()); err != nil {
		return order.Revocation{}, err
	}
	rev, err := d.Records.RequestRevocation(ctx, r)
	if err != nil {
		return rev, err
	}
	if !rev.Done() {
		d.takeUp(ctx, rev)
	}
	return rev, nil
}

// AnswerReport tells reporter and subscriber what has been found so far (SBR 4.9.5).
func (d *Desk) AnswerReport(ctx context.Context, id string, a order.ReportAnswer) (order.Revocation, error) {
	a.At = d.Clock()
	if err := fault.InvalidFields(a.Check()); err != nil {
		return order.Revocation{}, err
	}
	letters, err := d.reportLetters(ctx, id, a.Findings, "")
	if err != nil {
		return order.Revocation{}, err
	}
	rev, err := d.Records.AnswerReport(ctx, id, a, letters)
	if err != nil {
		return rev, err
	}
	d.takeUp(ctx, rev)
	return rev, d.postAll(ctx, rev, order.LetterReportAnswer)
}

// reportLetters are what reporter and subscriber read about a report.
func (d *Desk) reportLetters(ctx context.Context, id, words, outcome string) ([]order.Letter, error) {
	rev, err := d.Records.Revocation(ctx, id)
	if err != nil {
		return nil, err
	}
	var concerned []order.Status
	for _, number := range rev.Orders() {
		st, err := d.Records.Order(ctx, number)
		if err != nil {
			return nil, err
		}
		concerned = append(concerned, st)
	}
	return activities.ReportAnswer(concerned, rev, d.Clock(), words, outcome), nil
}

// postAll has the letters delivered that wait in the outbox of the request's orders. What cannot be started now, reconciliation starts.
func (d *Desk) postAll(ctx context.Context, rev order.Revocation, kind order.LetterKind) error {
	for _, number := range rev.Orders() {
		pending, err := d.Records.PendingLetters(ctx, number)
		if err != nil {
			return err
		}
		for _, l := range pending {
			if l.Kind != kind {
				continue
			}
			if err := d.Orders.Post(ctx, l.Order, l.ID); err != nil {
				d.Logger.WarnContext(ctx, "a letter is recorded and will be sent later", "letter", l.ID, "error", err)
			}
		}
	}
	return nil
}

// DecideRevocation records what staff have decided about a problem report. The clock of the reason that they have found runs from the report
// on, and never gives more time than there was.
func (d *Desk) DecideRevocation(ctx context.Context, id string, decision order.RevocationDecision) (order.Revocation, error) {
	decision.At = d.Clock()
	if err := fault.InvalidFields(decision.Check()); err != nil {
		return order.Revocation{}, err
	}
	var letters []order.Letter
	if decision.Revoke {
		decision.Within = d.Rules.At(decision.At).RevocationClock(order.RevocationByStaff, decision.Reason)
	} else {
		var err error
		if letters, err = d.reportLetters(ctx, id, decision.Answer, "declined"); err != nil {
			return order.Revocation{}, err
		}
	}
	rev, err := d.Records.DecideRevocation(ctx, id, decision, letters)
	if err != nil {
		return rev, err
	}
	d.takeUp(ctx, rev)
	return rev, d.postAll(ctx, rev, order.LetterReportAnswer)
}

// takeUp starts the request's workflow or wakes it. The record is what counts, and a Schedule takes up what nobody looks after; so a
// server that is away is only worth a line in the log.
func (d *Desk) takeUp(ctx context.Context, rev order.Revocation) {
	if err := d.Orders.Revoke(ctx, rev.ID); err != nil {
		d.Logger.WarnContext(ctx, "a revocation is recorded and will be taken up later", "request", rev.ID, "error", err)
	}
}

// OfferRevocation mails a link that revokes the order's certificate to the technical contact and to the certificate address. Shortly after
// another one it is TooMany.
func (d *Desk) OfferRevocation(ctx context.Context, number string, sequence int) error {
	st, err := d.Records.Order(ctx, number)
	if err != nil {
		return err
	}
	letters, err := d.Letters.RevocationLinks(st, sequence)
	if err != nil {
		return err
	}
	ids, err := d.Records.OfferRevocation(ctx, number, sequence, "applicant", d.Clock(), letters, mailEvery)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.Orders.Post(ctx, number, id); err != nil {
			return err
		}
	}
	return nil
}
