package ca

import (
	"context"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"time"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Prepare builds the TBSCertificate for the request, lints it and seals it; it does not touch the CA key. A request that no
// certificate can be made of is a fault of kind Invalid; a period that cannot be had is one of kind Conflict, and so is a lint
// finding, with code "lint" and the names of the lints.
//
// notBefore is the moment of preparation, not backdated: the certificate reaches its user minutes later, so no clock skew is
// to be bridged, and nothing claims to have been validated before it was.
func (c *CA) Prepare(ctx context.Context, r order.CertificateRequest) (order.ToBeSigned, error) {
	if err := ctx.Err(); err != nil {
		return order.ToBeSigned{}, err
	}
	now := c.clock().UTC().Truncate(time.Second) // certificates count in whole seconds
	rules := c.book.At(now)
	req, err := c.content(r, now, rules)
	if err != nil {
		return order.ToBeSigned{}, err
	}
	der, err := c.profile.encode(req)
	if err != nil {
		return order.ToBeSigned{}, err
	}
	if err := c.lint(der, rules, lint.Asked{Years: r.ValidityYears, NotAfter: r.NotAfter.UTC().Truncate(time.Second)}); err != nil {
		return order.ToBeSigned{}, err
	}
	t := order.ToBeSigned{
		Order: r.Order, Sequence: r.Sequence, DER: der, Serial: req.serial.Text(16), Issuer: c.id,
		NotBefore: req.notBefore, NotAfter: req.notAfter,
	}
	t.Seal = c.seal(t)
	return t, nil
}

// content turns the request into what the certificate says. The form has won over the CSR before (G6): of the CSR only the
// key is left.
func (c *CA) content(r order.CertificateRequest, now time.Time, rules policy.Rules) (content, error) {
	mailbox, mailboxFault := asciiMailbox(r.Email)
	key, keyFault := rsaKey(r.PublicKey)
	if err := invalid(mailboxFault, keyFault, checkYears(r)); err != nil {
		return content{}, err
	}
	notAfter, err := c.notAfter(r, now)
	if err != nil {
		return content{}, err
	}
	serial, err := newSerial(c.rand)
	if err != nil {
		return content{}, err
	}
	subject, err := subjectOf(r, mailbox, rules)
	if err != nil {
		return content{}, err
	}
	return content{serial: serial, notBefore: now, notAfter: notAfter, subject: subject, mailbox: mailbox, key: key}, nil
}

// subjectOf is the distinguished name, DER. A reissue has that of its original byte for byte (G25), which may name no other mailbox.
func subjectOf(r order.CertificateRequest, mailbox string, rules policy.Rules) ([]byte, error) {
	if len(r.RawSubject) > 0 {
		return r.RawSubject, checkName(r.RawSubject, mailbox)
	}
	subject := r.Subject
	if !rules.OrganizationIdentifier {
		subject.Identifier = "" // not validated under this profile, so not certified (SBR 3.2.5)
	}
	der, err := asn1.Marshal(subjectName(subject, mailbox))
	if err != nil {
		return nil, fmt.Errorf("encode subject: %w", err)
	}
	return der, nil
}

// notAfter is the last second of the certificate. A year is a calendar year and both ends count (RFC 5280 4.1.2.5), so one
// second is taken off. A reissue ends when its original ends (G25).
func (c *CA) notAfter(r order.CertificateRequest, notBefore time.Time) (time.Time, error) {
	end := notBefore.AddDate(r.ValidityYears, 0, 0).Add(-time.Second)
	if !r.NotAfter.IsZero() {
		end = r.NotAfter.UTC().Truncate(time.Second)
	}
	switch {
	case !end.After(notBefore):
		return time.Time{}, errOriginalEnded()
	case end.After(c.cert.NotAfter):
		return time.Time{}, errIssuerEnds()
	default:
		return end, nil
	}
}

// newSerial returns 126 random bits as a positive number of exactly 16 bytes, so far below 2^159 and above the 64 random bits
// that SBR 7.1 demands.
func newSerial(rand io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40 // not negative in DER, never shorter
	return new(big.Int).SetBytes(b[:]), nil
}
