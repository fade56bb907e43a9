package app

import (
	"context"

	"github.com/google/uuid"

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

// DecideRevocation records what staff have decided about a problem report.
func (d *Desk) DecideRevocation(ctx context.Context, id string, decision order.RevocationDecision) (order.Revocation, error) {
	decision.At = d.Clock()
	if err := fault.InvalidFields(decision.Check()); err != nil {
		return order.Revocation{}, err
	}
	rev, err := d.Records.DecideRevocation(ctx, id, decision)
	if err != nil {
		return rev, err
	}
	d.takeUp(ctx, rev)
	return rev, nil
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
