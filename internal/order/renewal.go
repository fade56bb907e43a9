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
	Found    bool      `json:"found"` // false: there is no certificate to renew, so it is a new application
	Serial   string    `json:"serial,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"`
}
