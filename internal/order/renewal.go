package order

import "time"

// Renewed is the certificate that a renewal renews (G3).
type Renewed struct {
	CertificateRef

	Serial    string    `json:"serial"`
	NotAfter  time.Time `json:"not_after"`
	Revoked   bool      `json:"revoked,omitempty"`    // since
	RenewedBy string    `json:"renewed_by,omitempty"` // another order that has renewed it since
}

// RenewalFacts is what became of the wish to renew.
type RenewalFacts struct {
	Wanted   bool      `json:"wanted"`
	Serial   string    `json:"serial,omitempty"` // of the certificate that is renewed; empty: there is none, so it is a new application
	NotAfter time.Time `json:"not_after,omitzero"`
}
