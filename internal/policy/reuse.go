package policy

import (
	"slices"
	"time"

	"securemailid.example/internal/order"
)

// Reuse returns what holds for the reuse of validations (G16). The methods and sources are those that the rules allow by now: a validation by
// another one must not be used again (A8, A13, D2).
func (r Rules) Reuse() order.ReuseRules {
	return order.ReuseRules{
		Profile: string(r.Profile), Version: r.Version, Domain: r.DomainReuse, Organization: r.OrganizationReuse,
		Methods: r.Limits().Methods, PhoneSources: slices.Clone(r.PhoneSources),
	}
}

// RenewalEnd returns the last second of a renewal of so many years that is made at the time, with what is left of the certificate that it
// renews carried over as far as the rules allow (G3; E: both ends of a validity count). It is zero where nothing is carried over: the years
// alone then count.
func (r Rules) RenewalEnd(at time.Time, years int, before time.Time) time.Time {
	at = at.UTC().Truncate(time.Second)
	left := min(before.Sub(at), r.RenewalCarryOver)
	if left <= 0 {
		return time.Time{}
	}
	plain := at.AddDate(years, 0, 0).Add(-time.Second)
	latest := at.Add(time.Duration(r.MaxValidityDays)*day - time.Second)
	end := plain.Add(left.Truncate(time.Second))
	if end.After(latest) {
		end = latest
	}
	if !end.After(plain) {
		return time.Time{}
	}
	return end
}
