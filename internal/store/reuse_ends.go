package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

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
