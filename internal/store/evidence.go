package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/order"
)

// PhoneValidated keeps the three phone steps of the order (G20) as evidence that later orders may reuse, under the rules by which they were
// taken, and lets the order reuse what is known of its domain: who was spoken to on the phone is who the domain was proved for. Before
// the three steps are done, and once the order is being issued or has ended, it changes nothing. It returns where the order stands, or
// nil for one that reuses nothing.
func (s *Store) PhoneValidated(ctx context.Context, number, actor string, rules order.ReuseRules, at time.Time) (*order.Reused, error) {
	var out *order.Reused
	err := s.change(ctx, func(c *change) error {
		out = nil
		o, err := c.lockOrder(ctx, number)
		if err != nil {
			return err
		}
		if o.phone().Done() && !o.State.Final() && o.State != order.Issuing {
			if err := c.keepPhone(ctx, o, actor, rules, stored(at)); err != nil {
				return err
			}
			if o, err = c.reuseByPhone(ctx, o, actor, rules, stored(at)); err != nil {
				return err
			}
		}
		if o.Reuse == "" {
			return nil
		}
		reused, err := reusedBy(ctx, c, number)
		out = &reused
		return err
	})
	return out, err
}

// keepPhone writes the evidence of the three steps, once.
func (c *change) keepPhone(ctx context.Context, o standing, actor string, rules order.ReuseRules, at time.Time) error {
	var kept bool
	err := c.GetContext(ctx, &kept, `SELECT EXISTS (SELECT FROM organization_evidence WHERE order_number = $1 AND invalidated_at IS NULL)`, o.Number)
	if err != nil || kept {
		return err
	}
	number, err := lastCommand[order.PhoneNumberVerified](ctx, c, o.Number)
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO organization_evidence (id, order_number, representative, telephone, source, reference, policy_version, actor, at)
		SELECT $2, number, application -> 'representative', $3, $4, $5, $6, $7, least(number_verified_at, reached_at, confirmed_at)
		FROM orders WHERE number = $1`,
		o.Number, uuid.NewString(), number.Number, number.Source, number.Reference, rules.Version, actor); err != nil {
		return err
	}
	return c.note(o.Number, actor, "organization-validated", map[string]any{"source": number.Source, "policy": rules.Version}, at)
}

// invalidatePhone makes the order's own phone steps worthless as evidence.
func (c *change) invalidatePhone(ctx context.Context, number string, why order.ReuseEnd, at time.Time) error {
	_, err := c.ExecContext(ctx, `
		UPDATE organization_evidence SET invalidated_at = $2, invalidated_why = $3 WHERE order_number = $1 AND invalidated_at IS NULL`,
		number, stored(at), why)
	return err
}

// distrust is what follows from a rejection by staff: what the order has gathered is worthless, and where staff say so what it has reused is,
// for every order.
func (c *change) distrust(ctx context.Context, o standing, cmd order.OrderRejected, at time.Time) (detail, error) {
	if err := c.invalidatePhone(ctx, o.Number, order.EndRejected, at); err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, `
		UPDATE domain_evidence SET invalidated_at = $2, invalidated_why = $3 WHERE order_number = $1 AND invalidated_at IS NULL`,
		o.Number, at, order.EndRejected); err != nil {
		return nil, err
	}
	if !cmd.Distrust {
		return detail{}, nil
	}
	return detail{"distrust": true}, c.distrustReused(ctx, o.Number, cmd.By(), at)
}

// distrustReused invalidates all evidence that the order has ever reused, and says so in the orders that had gathered it.
func (c *change) distrustReused(ctx context.Context, number, actor string, at time.Time) error {
	var gone []order.EvidenceRef
	err := c.SelectContext(ctx, &gone, `
		WITH used AS (
			SELECT domain_evidence, organization_evidence FROM reuses WHERE order_number = $1
		), domains AS (
			UPDATE domain_evidence SET invalidated_at = $2, invalidated_why = $3
			WHERE id IN (SELECT domain_evidence FROM used) AND invalidated_at IS NULL RETURNING order_number
		), organizations AS (
			UPDATE organization_evidence SET invalidated_at = $2, invalidated_why = $3
			WHERE id IN (SELECT organization_evidence FROM used) AND invalidated_at IS NULL RETURNING order_number
		)
		SELECT 'domain' AS kind, order_number AS "order" FROM domains
		UNION ALL SELECT 'organization', order_number FROM organizations ORDER BY 1, 2`, number, at, order.EndDistrusted)
	if err != nil {
		return err
	}
	for _, e := range gone {
		if err := c.note(e.Order, actor, "evidence-invalidated", map[string]any{"kind": e.Kind, "by": number, "why": order.EndDistrusted}, at); err != nil {
			return err
		}
	}
	return nil
}
