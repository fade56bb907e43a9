package order

import (
	"strings"
	"time"
)

// Expiring is an issued certificate that ends soon, is not revoked, and has no successor: no certificate was issued later for the same
// address that lasts at least as long and is not revoked.
type Expiring struct {
	Order       string
	Sequence    int
	Serial      string
	NotAfter    time.Time
	Days        int // the milestone that is due: so many days before NotAfter
	Domain      string
	Application Application
}

// Mark returns the place of the certificate in the order in which ends are looked through.
func (e Expiring) Mark() ExpiryMark {
	return ExpiryMark{NotAfter: e.NotAfter, Order: e.Order, Sequence: e.Sequence}
}

// DaysLeft is how many days the certificate is still good for at the time, a part of a day counted as one.
func (e Expiring) DaysLeft(at time.Time) int {
	const day = 24 * time.Hour
	return int((e.NotAfter.Sub(at) + day - 1) / day)
}

// Recipients are who is reminded: the technical contact first, then the certificate address, unless it is the same.
func (e Expiring) Recipients() []string {
	contact, address := e.Application.TechnicalContact.Email, e.Application.CertificateEmail
	if strings.EqualFold(contact, address) {
		return []string{contact}
	}
	return []string{contact, address}
}

// ExpiryMark is a place in the list of certificates by their end. The zero value is before all.
type ExpiryMark struct {
	NotAfter time.Time `json:"not_after,omitzero"`
	Order    string    `json:"order,omitempty"`
	Sequence int       `json:"sequence,omitempty"`
}

// ExpiryQuery asks for certificates of which somebody is to be reminded, by their end.
type ExpiryQuery struct {
	At         time.Time
	Milestones []int // days before the end
	After      ExpiryMark
	Limit      int
}
