package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// What orders.reuse says: the representative is waited for, or reuse has been decided upon, one way or the other.
const (
	reuseAsked   = "asked"
	reuseSettled = "settled"
)

// ReusableFor returns what of earlier validations the order could reuse at the time (G16): evidence of the same organisation and registered
// representative, out of orders that ended with a certificate, of the same domain, inside its age limit, and of a kind that the rules allow
// by now. That of the organisation must also be of the same place, which is certified with it. Finding is not reusing: a form is no
// identity, so the order is confirmed first, by the representative's answer (DecideReuse) or on the phone (PhoneValidated).
func (s *Store) ReusableFor(ctx context.Context, number string, rules order.ReuseRules, at time.Time) (out order.Reusable, err error) {
	if out.Domain, err = findEvidence(ctx, s.db, number, order.DomainEvidence, rules, at); err != nil {
		return out, translate(ctx, err)
	}
	if out.Organization, err = findEvidence(ctx, s.db, number, order.OrganizationEvidence, rules, at); err != nil || out.Organization == nil {
		return out, translate(ctx, err)
	}
	var r document[order.Representative]
	err = s.db.GetContext(ctx, &r, `SELECT representative FROM organization_evidence WHERE id = $1`, out.Organization.ID)
	out.Representative = r.V
	return out, translate(ctx, err)
}

// findEvidence returns the newest fitting evidence, or nil.
func findEvidence(ctx context.Context, q queryer, number string, kind order.EvidenceKind, rules order.ReuseRules, at time.Time) (*order.EvidenceRef, error) {
	age, how := rules.Domain, textsOf(rules.Methods)
	if kind == order.OrganizationEvidence {
		age, how = rules.Organization, textsOf(rules.PhoneSources)
	}
	var rows []order.EvidenceRef // at most one
	err := q.SelectContext(ctx, &rows, `
		SELECT e.kind, e.id, e.order_number AS "order", e.at
		FROM orders o
			JOIN orders p ON p.organization_key = o.organization_key AND p.representative_key = o.representative_key
				AND p.state = 'issued' AND p.number <> o.number
			JOIN evidence e ON e.order_number = p.number
		WHERE o.number = $1 AND e.kind = $2 AND e.sound AND e.at > $3 AND split_part(e.policy_version, '/', 1) = $4 AND e.how = ANY ($5)
			AND CASE e.kind WHEN 'domain' THEN e.domain = o.domain
				ELSE plain(p.subject ->> 'state') = plain(o.subject ->> 'state') AND plain(p.subject ->> 'city') = plain(o.subject ->> 'city') END
		ORDER BY e.at DESC, e.id LIMIT 1`,
		number, kind, stored(at.Add(-age)), rules.Profile, how)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	rows[0].At = rows[0].At.UTC()
	return &rows[0], nil
}

func textsOf[T ~string](values []T) pq.StringArray {
	out := make(pq.StringArray, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// OfferReuse asks the representative: it keeps the offer with its link and puts the letter into the outbox. An order whose phone steps are done
// already is asked nothing: that confirms it, and what is known of its domain is reused at once. An order that has been asked before, or
// has begun to prove its domain, is left as it is. It returns where the order stands.
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

// reuseRow is one reuse with the evidence as it stands now.
type reuseRow struct {
	Kind      order.EvidenceKind
	Order     string    `db:"order_number"`
	EvidentAt time.Time `db:"evident_at"`
	How       string
	Profile   string
	Sound     bool
	Basis     order.ReuseBasis
	At        time.Time
	GoodUntil time.Time      `db:"good_until"`
	EndedAt   sql.NullTime   `db:"ended_at"`
	Why       sql.NullString `db:"ended_why"`
}

func reusesOf(ctx context.Context, q queryer, number string) (rows []reuseRow, err error) {
	err = q.SelectContext(ctx, &rows, `
		SELECT r.kind, e.order_number, e.at AS evident_at, e.how, split_part(e.policy_version, '/', 1) AS profile, e.sound, r.basis, r.at,
			r.good_until, r.ended_at, r.ended_why
		FROM reuses r JOIN evidence e ON e.id = r.evidence AND e.kind = r.kind WHERE r.order_number = $1 ORDER BY r.at, r.kind`, number)
	return rows, err
}

// lapse returns why the evidence does not count any more at the time, or nothing.
func (r reuseRow) lapse(rules order.ReuseRules, at time.Time) order.ReuseEnd {
	age, allowed := rules.Domain, slices.Contains(rules.Methods, order.DCVMethod(r.How))
	if r.Kind == order.OrganizationEvidence {
		age, allowed = rules.Organization, slices.Contains(rules.PhoneSources, order.PhoneSource(r.How))
	}
	switch {
	case !r.Sound:
		return order.EndInvalidated
	case !r.EvidentAt.Add(age).After(at), !r.GoodUntil.After(at):
		return order.EndTooOld
	case !allowed || r.Profile != rules.Profile:
		return order.EndForbidden
	default:
		return ""
	}
}

// EndLapsedReuses ends what the order reuses and what does not count any more under the rules at the time: the organisation is then awaited on the
// phone, and the domain is proved anew. It returns where the order stands, or nil if everything holds.
func (s *Store) EndLapsedReuses(ctx context.Context, number string, rules order.ReuseRules, at time.Time) (*order.Reused, error) {
	var out *order.Reused
	err := s.change(ctx, func(c *change) error {
		out = nil
		o, err := c.lockOrder(ctx, number)
		if err != nil {
			return err
		}
		if o.State != order.OrganizationValidation && !provingDomain(o.State) {
			return nil // what is being issued was judged when it was reserved
		}
		ended, err := c.endReuses(ctx, o, system, at, func(r reuseRow) order.ReuseEnd { return r.lapse(rules, at) })
		if err != nil || !ended {
			return err
		}
		reused, err := reusedBy(ctx, c, number)
		out = &reused
		return err
	})
	return out, err
}

// endEveryReuse ends all that the order reuses.
func (c *change) endEveryReuse(ctx context.Context, o standing, why order.ReuseEnd, actor string, at time.Time) error {
	if o.Reuse == "" {
		return nil
	}
	_, err := c.endReuses(ctx, o, actor, at, func(reuseRow) order.ReuseEnd { return why })
	return err
}

// endReuses ends each reuse for which there is a reason.
func (c *change) endReuses(ctx context.Context, o standing, actor string, at time.Time, why func(reuseRow) order.ReuseEnd) (ended bool, err error) {
	rows, err := reusesOf(ctx, c, o.Number)
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		reason := why(r)
		if r.EndedAt.Valid || reason == "" {
			continue
		}
		ended = true
		if err := c.endReuse(ctx, o, r.Kind, reason, stored(at)); err != nil {
			return ended, err
		}
		if err := c.note(o.Number, actor, "reuse-ended", map[string]any{"kind": r.Kind, "from": r.Order, "why": reason}, at); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

func (c *change) endReuse(ctx context.Context, o standing, kind order.EvidenceKind, why order.ReuseEnd, at time.Time) error {
	if _, err := c.ExecContext(ctx, `
		UPDATE reuses SET ended_at = $3, ended_why = $4 WHERE order_number = $1 AND kind = $2 AND ended_at IS NULL`,
		o.Number, kind, at, why); err != nil {
		return err
	}
	if kind == order.OrganizationEvidence {
		_, err := c.ExecContext(ctx, `UPDATE orders SET organization_reused_at = NULL WHERE number = $1`, o.Number)
		return err
	}
	if o.State == order.OrganizationValidation {
		return c.move(ctx, o, order.DomainValidation, at)
	}
	return nil
}

// reusesHold is asked at the last gate before the CA key: evidence that is too old by now, or was invalidated, is none.
func (c *change) reusesHold(ctx context.Context, o standing, at time.Time) error {
	if o.Reuse == "" {
		return nil
	}
	rows, err := reusesOf(ctx, c, o.Number)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !r.EndedAt.Valid && (!r.Sound || !r.GoodUntil.After(at)) {
			return fault.New(fault.Conflict, "reuse.lapsed", "再利用した認証が有効でなくなったため、発行できません。",
				"A validation that was reused does not hold any more: nothing is issued by it.")
		}
	}
	return nil
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
