package activities

import (
	"context"
	"slices"
	"time"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/order"
)

// ResponderRecords is what certifying OCSP signers needs of the record.
type ResponderRecords interface {
	// CertifyResponder records what certify makes for the key (SHA-256 of its SubjectPublicKeyInfo), once; a repeat returns what is there.
	CertifyResponder(ctx context.Context, issuer string, key []byte, at time.Time, certify func() (order.ResponderCertificate, error)) (order.ResponderCertificate, error)
}

// ResponderCertifier is an issuing CA as far as OCSP signers are concerned.
type ResponderCertifier interface {
	ID() string
	CertifyResponder(ctx context.Context, request []byte, now time.Time) (order.ResponderCertificate, error)
}

// Responders certifies OCSP signers with the keys of the issuing CAs that are here.
type Responders struct {
	Records ResponderRecords
	Issuing []ResponderCertifier
	Clock   func() time.Time
}

// CertifyInput is a responder's wish.
type CertifyInput struct {
	Issuer  string `json:"issuer"`
	Request []byte `json:"request"` // PKCS #10, DER: proves that the responder holds the key
}

// CertifyResult names the certificate, which lies in the record.
type CertifyResult struct {
	Serial   string    `json:"serial"`
	NotAfter time.Time `json:"not_after"`
}

// CertifyResponder certifies the key of the request as an OCSP signer of the issuing CA. It can make no other certificate, whatever it is
// given. One key has one certificate.
func (r *Responders) CertifyResponder(ctx context.Context, in CertifyInput) (CertifyResult, error) {
	asked, err := csr.Parse(string(in.Request), nil)
	if err != nil {
		return CertifyResult{}, err
	}
	i := slices.IndexFunc(r.Issuing, func(c ResponderCertifier) bool { return c.ID() == in.Issuer })
	if i < 0 {
		return CertifyResult{}, keyElsewhere()
	}
	now := r.Clock()
	rc, err := r.Records.CertifyResponder(ctx, in.Issuer, asked.Fingerprint[:], now, func() (order.ResponderCertificate, error) {
		return r.Issuing[i].CertifyResponder(ctx, in.Request, now)
	})
	return CertifyResult{Serial: rc.Serial, NotAfter: rc.NotAfter}, err
}
