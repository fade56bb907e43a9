package order

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"time"

	"securemailid.example/internal/fault"
)

// Original is an issued certificate with the order that it was issued under, as a reissue needs it.
type Original struct {
	Certificate

	RevokedAt        time.Time // zero: it is not revoked
	RevocationReason RevocationReason
	Application      Application
	Certified        Subject   // subject of its order, as corrected
	Domain           string    // of its address, A-labels
	Method           DCVMethod // by which its domain was proved last
}

// Ref names the certificate.
func (o Original) Ref() CertificateRef { return CertificateRef{Order: o.Order, Sequence: o.Sequence} }

// View is the certificate as staff see it.
func (o Original) View() OriginalView {
	return OriginalView{CertificateRef: o.Ref(), Serial: o.Serial, Organization: o.Certified.Organization, Email: o.Application.CertificateEmail,
		IssuedAt: o.IssuedAt, NotAfter: o.NotAfter, RevokedAt: o.RevokedAt, RevocationReason: o.RevocationReason}
}

// Reissuable returns nil if the certificate can be issued again at the time, or a Conflict whose remedy is a new application (G25): it has
// ended, or it is revoked. One that is revoked because its key is compromised can still be issued again for that reason, with another
// key, where the policy allows it (afterCompromise).
func (v OriginalView) Reissuable(why ReissueReason, afterCompromise bool, at time.Time) error {
	switch {
	case !at.Before(v.NotAfter):
		return fault.New(fault.Conflict, "reissue.expired", "元の証明書は有効期限を過ぎているため、再発行できません。新規にお申し込みください。",
			"The original certificate has expired and cannot be reissued. Please apply for a new certificate.")
	case v.RevokedAt.IsZero():
		return nil
	case why == KeyCompromise && v.RevocationReason == ReasonKeyCompromise && afterCompromise:
		return nil
	default:
		return fault.New(fault.Conflict, "reissue.revoked", "元の証明書は失効しているため、再発行できません。新規にお申し込みください。",
			"The original certificate is revoked and cannot be reissued. Please apply for a new certificate.")
	}
}

// AnotherKey returns nil unless the reissue is for the compromise of a key and would certify that same key again. spki is the new
// public key, DER. The error is an invalid-fields fault whose field is "csr".
func (o Original) AnotherKey(why ReissueReason, spki []byte) error {
	if why != KeyCompromise {
		return nil
	}
	cert, err := o.parse()
	if err != nil {
		return err
	}
	if !bytes.Equal(cert.RawSubjectPublicKeyInfo, spki) {
		return nil
	}
	return fault.InvalidFields([]fault.Field{field("csr", "csr.same-key",
		"危殆化した鍵は再び使えません。", "A compromised key cannot be certified again.",
		"新しい鍵を作成し、その鍵のCSRを入力してください。", "Make a new key, and a CSR with it.")})
}

// RawSubject is the distinguished name of the certificate, byte for byte (G25).
func (o Original) RawSubject() ([]byte, error) {
	cert, err := o.parse()
	if err != nil {
		return nil, err
	}
	return cert.RawSubject, nil
}

func (o Original) parse() (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(o.DER)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", o.Serial, err)
	}
	return cert, nil
}

// Reissued is the application under which the certificate is issued again: organisation, address, validity and validation method of the
// original, as certified; language, CSR, people and consent of the request a.
func (o Original) Reissued(a Application) Application {
	out := o.Application
	out.Type, out.Voucher, out.DCVMethod = Reissue, "", o.Method
	out.Organization.Name, out.Organization.Unit = o.Certified.Organization, o.Certified.Unit
	out.Organization.State, out.Organization.City = o.Certified.State, o.Certified.City
	if o.Certified.Identifier != "" {
		out.Organization.Identifier = o.Certified.Identifier
	}
	out.Language, out.CSR, out.Representative, out.TechnicalContact = a.Language, a.CSR, a.Representative, a.TechnicalContact
	out.TermsAccepted = a.TermsAccepted
	return out
}
