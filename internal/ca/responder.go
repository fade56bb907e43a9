package ca

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// CertifyResponder certifies the key of a signing request, DER, as a delegated OCSP signer of this CA (RFC 6960 4.2.2.2), for the policy's
// OCSPSignerLife. It makes no other certificate: names and extensions of the request are not looked at. The certificate carries
// id-pkix-ocsp-nocheck, so it cannot be revoked and lives for a short time only.
func (c *CA) CertifyResponder(ctx context.Context, request []byte, now time.Time) (order.ResponderCertificate, error) {
	if err := ctx.Err(); err != nil {
		return order.ResponderCertificate{}, err
	}
	asked, err := csr.Parse(string(request), nil)
	if err != nil {
		return order.ResponderCertificate{}, err
	}
	key, err := x509.ParsePKIXPublicKey(asked.PublicKey)
	if err != nil {
		return order.ResponderCertificate{}, err
	}
	template, err := c.responderTemplate(now)
	if err != nil {
		return order.ResponderCertificate{}, err
	}
	der, err := x509.CreateCertificate(c.rand, template, c.cert, key, c.signer)
	if err != nil {
		return order.ResponderCertificate{}, fault.New(fault.Unavailable, "ca.key",
			"署名鍵が応答しません。しばらくしてから再試行します。", "The signing key does not answer; it will be tried again.").Because(err)
	}
	hash := sha256.Sum256(asked.PublicKey)
	return order.ResponderCertificate{
		Issuer: c.id, Serial: template.SerialNumber.Text(16), Key: hash[:], DER: der, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
	}, nil
}

// responderTemplate is the profile of OCSP signers (RFC 6960 4.2.2.2; TBR 7.1.2.8, which SBR has nothing beside): digitalSignature, OCSPSigning
// alone, nocheck; no policy, no addresses.
func (c *CA) responderTemplate(now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial(c.rand)
	if err != nil {
		return nil, err
	}
	// id-pkix-ocsp-nocheck: NULL (RFC 6960 4.2.2.2.1)
	nocheck := pkix.Extension{Id: idPKIX(48, 1, 5), Value: asn1.NullBytes}
	begin := now.UTC().Truncate(time.Second)
	end := begin.Add(c.book.At(begin).OCSPSignerLife - time.Second)
	if end.After(c.cert.NotAfter) {
		end = c.cert.NotAfter
	}
	if !end.After(begin) {
		return nil, fault.New(fault.Conflict, "ca.expired", "この発行CAの証明書は有効期限が切れています。", "This issuing CA has expired.")
	}
	name := c.cert.Subject
	return &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{Country: name.Country, Organization: name.Organization,
			CommonName: fmt.Sprintf("OCSP Responder %s", begin.Format("2006-01-02 15:04:05"))},
		NotBefore: begin, NotAfter: end, SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{nocheck},
	}, nil
}
