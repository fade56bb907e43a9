package activities

import (
	"context"
	"time"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// predecessor returns the certificate that a renewal renews (G3), nil for any other application and where there is none.
func (a *Accepting) predecessor(ctx context.Context, app order.Application, rules policy.Rules, now time.Time) (*order.Renewed, error) {
	if app.Type != order.Renewal {
		return nil, nil //nolint:nilnil // nothing is renewed
	}
	return a.Records.Predecessor(ctx, app, now.Add(-rules.RenewalAfter), now.Add(rules.RenewalBefore))
}

// renewalFacts tells the technical contact what became of the wish to renew.
func renewalFacts(app order.Application, renews *order.Renewed) order.RenewalFacts {
	f := order.RenewalFacts{Wanted: app.Type == order.Renewal}
	if renews != nil {
		f.Serial, f.NotAfter = renews.Serial, renews.NotAfter
	}
	return f
}

// renewalEnd is when a renewal ends that gets what is left of the certificate before; zero where it gets nothing. What was revoked meanwhile has
// nothing left, and what another order has renewed was given to that.
func renewalEnd(st order.Status, rules policy.Rules, now time.Time) time.Time {
	if r := st.Renews; r != nil && !r.Revoked && r.RenewedBy == "" {
		return rules.RenewalEnd(now, st.ValidityYears, r.NotAfter)
	}
	return time.Time{}
}
