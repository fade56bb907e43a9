package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/order"
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
