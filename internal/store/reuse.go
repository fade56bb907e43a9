package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"securemailid.example/internal/order"
)

// What orders.reuse says: the representative is waited for, or reuse has been decided upon, one way or the other.
const (
	reuseAsked   = "asked"
	reuseSettled = "settled"
)

// OfferReuse asks the representative: it keeps the offer with its link and puts the letter into the outbox. An order whose phone steps are done
// already is asked nothing: that confirms it, and what is known of its domain is reused at once. An order that has been asked before, or
// has begun to prove its domain, is left as it is, and so is one whose representative was asked about another within a day. It returns where the order stands.
func (s *Store) OfferReuse(ctx context.Context, f order.ReuseOffer, rules order.ReuseRules) (order.Reused, error) {
	var out order.Reused
	err := s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, f.Order)
		if err != nil {
			return err
		}
		switch begun, err := c.begun(ctx, o); {
		case err != nil:
			return err
		case begun:
		case o.phone().Done():
			if _, err := c.reuseByPhone(ctx, o, system, rules, stored(f.AskedAt)); err != nil {
				return err
			}
		case f.Reusable.Organization != nil:
			if may, err := c.mayAskRepresentative(ctx, f.Letter.Recipient, f.AskedAt); err != nil {
				return err
			} else if !may {
				break // it is validated anew
			}
			if err := c.ask(ctx, o, f); err != nil {
				return err
			}
		}
		out, err = reusedBy(ctx, c, f.Order)
		return err
	})
	return out, err
}

// begun reports whether it is too late to ask: the order has been asked, proves its domain, or is further still.
func (c *change) begun(ctx context.Context, o standing) (begun bool, err error) {
	if o.Reuse != "" || !provingDomain(o.State) {
		return true, nil
	}
	err = c.GetContext(ctx, &begun, `SELECT EXISTS (SELECT FROM challenges WHERE order_number = $1)`, o.Number)
	return begun, err
}

// provingDomain reports whether control of the domain is still to be proved.
func provingDomain(s order.State) bool { return s == order.Accepted || s == order.DomainValidation }

func (c *change) ask(ctx context.Context, o standing, f order.ReuseOffer) error {
	at := stored(f.AskedAt)
	if _, err := c.post(ctx, o.Number, []order.Letter{f.Letter}, at); err != nil {
		return err
	}
	facts := map[string]any{"organization": f.Reusable.Organization.Order}
	var domain sql.NullString
	if d := f.Reusable.Domain; d != nil {
		facts["domain"], domain = d.Order, textOrNull(d.ID)
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO reuse_offers (order_number, link, organization_evidence, domain_evidence, asked_at, until) VALUES ($1, $2, $3, $4, $5, $6)`,
		o.Number, f.Letter.Links[0].ID, f.Reusable.Organization.ID, domain, at, stored(f.Until)); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `UPDATE orders SET reuse = $2 WHERE number = $1`, o.Number, reuseAsked); err != nil {
		return err
	}
	return c.note(o.Number, system, "reuse-asked", facts, at)
}

// DecideReuse uses up the link of an offer, once. Confirmed, the order reuses in the same transaction what still fits, and moves on as far as
// that takes it; a confirmation that comes late, while everything is validated anew, still counts for what is open. A denial reuses nothing: the
// caller rejects the order. The link of another order is NotFound; an expired one, or one that was used for the other answer, is a
// Conflict, and so is an order that is being issued or has ended. The same answer again is a repeat.
func (s *Store) DecideReuse(ctx context.Context, a order.ReuseAnswer, rules order.ReuseRules) (order.Reused, error) {
	var out order.Reused
	err := s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, a.Order)
		if err != nil {
			return err
		}
		var r linkRow
		err = c.GetContext(ctx, &r, `SELECT `+linkColumns+` FROM links WHERE id = $1 AND order_number = $2 AND purpose = 'reuse'`, a.Link, a.Order)
		if err != nil {
			return orNotFound(err, unknownLink())
		}
		if !r.UsedAt.Valid || r.Approved.Bool != a.Confirmed {
			if err := r.usable(a.At); err != nil {
				return err
			}
			if err := c.takeAnswer(ctx, o, a, rules); err != nil {
				return err
			}
		}
		out, err = reusedBy(ctx, c, a.Order)
		return err
	})
	return out, err
}

func (c *change) takeAnswer(ctx context.Context, o standing, a order.ReuseAnswer, rules order.ReuseRules) error {
	if !provingDomain(o.State) && o.State != order.OrganizationValidation {
		return wrongState(o.State)
	}
	at := stored(a.At)
	if _, err := c.ExecContext(ctx, `UPDATE links SET used_at = $2, approved = $3 WHERE id = $1`, a.Link, at, a.Confirmed); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `UPDATE reuse_offers SET answered_at = $2, confirmed = $3 WHERE order_number = $1`, o.Number, at, a.Confirmed); err != nil {
		return err
	}
	if err := c.settle(ctx, o.Number); err != nil {
		return err
	}
	if !a.Confirmed {
		return c.note(o.Number, a.Actor, "reuse-denied", nil, at)
	}
	if err := c.note(o.Number, a.Actor, "reuse-confirmed", nil, at); err != nil {
		return err
	}
	if err := c.reuseOrganization(ctx, o, a.Actor, rules, at); err != nil {
		return err
	}
	_, err := c.reuseDomain(ctx, o, order.ReuseByConfirmation, a.Actor, rules, at)
	return err
}

func (c *change) settle(ctx context.Context, number string) error {
	_, err := c.ExecContext(ctx, `UPDATE orders SET reuse = $2 WHERE number = $1`, number, reuseSettled)
	return err
}

// reuseOrganization lets the phone steps of an earlier order count, unless this one's own do.
func (c *change) reuseOrganization(ctx context.Context, o standing, actor string, rules order.ReuseRules, at time.Time) error {
	if o.phone().Done() {
		return nil
	}
	e, err := findEvidence(ctx, c, o.Number, order.OrganizationEvidence, rules, at)
	if err != nil || e == nil {
		return err
	}
	if err := c.keepReuse(ctx, o.Number, *e, order.ReuseByConfirmation, actor, rules, at); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, `UPDATE orders SET organization_reused_at = $2 WHERE number = $1`, o.Number, at)
	return err
}

// reuseByPhone is what follows from the phone steps of this order: nobody has to be waited for any more, and its domain may be known.
func (c *change) reuseByPhone(ctx context.Context, o standing, actor string, rules order.ReuseRules, at time.Time) (standing, error) {
	if o.Reuse == reuseAsked {
		o.Reuse = reuseSettled
		if err := c.settle(ctx, o.Number); err != nil {
			return o, err
		}
		if err := c.note(o.Number, actor, "reuse-phoned", nil, at); err != nil {
			return o, err
		}
	}
	return c.reuseDomain(ctx, o, order.ReuseByPhone, actor, rules, at)
}

// reuseDomain lets the proof of domain control of an earlier order count, unless the order has its own. Its challenge ends, and it moves on to the
// validation of its organisation.
func (c *change) reuseDomain(ctx context.Context, o standing, basis order.ReuseBasis, actor string, rules order.ReuseRules, at time.Time) (standing, error) {
	if !provingDomain(o.State) {
		return o, nil
	}
	e, err := findEvidence(ctx, c, o.Number, order.DomainEvidence, rules, at)
	if err != nil || e == nil {
		return o, err
	}
	if err := c.endChallenge(ctx, o.Number, at); err != nil {
		return o, err
	}
	if err := c.keepReuse(ctx, o.Number, *e, basis, actor, rules, at); err != nil {
		return o, err
	}
	for _, next := range []order.State{order.DomainValidation, order.OrganizationValidation} {
		if o.State == next {
			continue
		}
		if err := c.move(ctx, o, next, at); err != nil {
			return o, err
		}
		o.State = next
	}
	o.Reuse = reuseSettled
	return o, c.settle(ctx, o.Number)
}

func (c *change) keepReuse(ctx context.Context, number string, e order.EvidenceRef, basis order.ReuseBasis, actor string, rules order.ReuseRules, at time.Time) error {
	domain, organization, age := textOrNull(e.ID), sql.NullString{}, rules.Domain
	if e.Kind == order.OrganizationEvidence {
		domain, organization, age = sql.NullString{}, textOrNull(e.ID), rules.Organization
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO reuses (order_number, kind, domain_evidence, organization_evidence, basis, policy_version, at, good_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, number, e.Kind, domain, organization, basis, rules.Version, at, stored(e.At.Add(age))); err != nil {
		return err
	}
	return c.note(number, actor, string(e.Kind)+"-reused", map[string]any{"from": e.Order, "basis": basis, "policy": rules.Version}, at)
}

// reusedBy returns what the order stands on that others have proved.
func reusedBy(ctx context.Context, q queryer, number string) (order.Reused, error) {
	var r struct {
		State        order.State
		Until        sql.NullTime
		Organization sql.NullString
		Domain       sql.NullString
	}
	err := q.GetContext(ctx, &r, `
		SELECT o.state, f.until,
			(SELECT e.order_number FROM reuses r JOIN organization_evidence e ON e.id = r.organization_evidence
				WHERE r.order_number = o.number AND r.ended_at IS NULL) AS organization,
			(SELECT e.order_number FROM reuses r JOIN domain_evidence e ON e.id = r.domain_evidence
				WHERE r.order_number = o.number AND r.ended_at IS NULL) AS domain
		FROM orders o LEFT JOIN reuse_offers f ON f.order_number = o.number WHERE o.number = $1`, number)
	return order.Reused{State: r.State, AskedUntil: timeOf(r.Until), Organization: r.Organization.String, Domain: r.Domain.String},
		orNotFound(err, unknownOrder())
}

// reuseView is nil for an order that has nothing to do with reuse.
func reuseView(ctx context.Context, q queryer, o standing) (*order.ReuseView, error) {
	if o.Reuse == "" {
		return nil, nil //nolint:nilnil // nothing was found for it
	}
	v, err := offerView(ctx, q, o.Number)
	if err != nil {
		return nil, err
	}
	rows, err := reusesOf(ctx, q, o.Number)
	for _, r := range rows {
		v.Reused = append(v.Reused, order.ReusedEvidence{
			EvidenceRef: order.EvidenceRef{Kind: r.Kind, Order: r.Order, At: r.EvidentAt.UTC()},
			ReusedAt:    r.At.UTC(), Basis: r.Basis, EndedAt: timeOf(r.EndedAt), Why: order.ReuseEnd(r.Why.String),
		})
	}
	return v, err
}

// offerView is what the representative was asked; empty if they were not.
func offerView(ctx context.Context, q queryer, number string) (*order.ReuseView, error) {
	var f struct {
		Organization string         `db:"organization_evidence"`
		Domain       sql.NullString `db:"domain_evidence"`
		AskedAt      time.Time      `db:"asked_at"`
		Until        time.Time
		AnsweredAt   sql.NullTime `db:"answered_at"`
		Confirmed    sql.NullBool
	}
	err := q.GetContext(ctx, &f, `
		SELECT organization_evidence, domain_evidence, asked_at, until, answered_at, confirmed FROM reuse_offers WHERE order_number = $1`, number)
	if errors.Is(err, sql.ErrNoRows) {
		return &order.ReuseView{}, nil
	}
	if err != nil {
		return nil, err
	}
	v := &order.ReuseView{AskedAt: f.AskedAt.UTC(), Until: f.Until.UTC(), AnsweredAt: timeOf(f.AnsweredAt), Denied: f.Confirmed.Valid && !f.Confirmed.Bool}
	err = q.SelectContext(ctx, &v.Offered, `
		SELECT kind, id, order_number AS "order", at FROM evidence
		WHERE kind = 'organization' AND id = $1 OR kind = 'domain' AND id = $2 ORDER BY kind`, f.Organization, f.Domain)
	for i := range v.Offered {
		v.Offered[i].At = v.Offered[i].At.UTC()
	}
	return v, err
}
