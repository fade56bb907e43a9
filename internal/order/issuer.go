package order

import (
	"cmp"
	"slices"
	"time"
)

// IssuerStanding is an issuing CA with its current list.
type IssuerStanding struct {
	CA         IssuingCA
	NotBefore  time.Time // of its certificate
	NotAfter   time.Time
	List       CRL       // Number 0: none has been published
	LastExpiry time.Time // of what it has certified or is about to sign; zero: nothing
}

// InService are the issuing CAs that still owe lists: the newest, which may issue at any moment, and every other until a list has come out
// after the end of the last certificate (RFC 5280 3.3). Then its key may be destroyed. An expired CA can sign none.
func InService(all []IssuerStanding, now time.Time) []IssuerStanding {
	alive := slices.DeleteFunc(slices.Clone(all), func(s IssuerStanding) bool { return now.After(s.NotAfter) })
	if len(alive) == 0 {
		return nil
	}
	newest := slices.MaxFunc(alive, func(a, b IssuerStanding) int {
		return cmp.Or(a.NotBefore.Compare(b.NotBefore), a.NotAfter.Compare(b.NotAfter), cmp.Compare(b.CA.ID, a.CA.ID))
	}).CA.ID
	return slices.DeleteFunc(alive, func(s IssuerStanding) bool { return s.CA.ID != newest && !s.LastExpiry.After(s.List.ThisUpdate) })
}

// ListLeft is how long the current list is still good; nothing is left of one that has never been published.
func (s IssuerStanding) ListLeft(now time.Time) time.Duration {
	return max(0, s.List.NextUpdate.Sub(now))
}
