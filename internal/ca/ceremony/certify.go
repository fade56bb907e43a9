package ceremony

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"time"
)

// newRoot is a self-signed CA certificate without policies, usages or path length, as RFC 5280 4.2.1 leaves a trust anchor.
func newRoot(r Root, key crypto.Signer, now time.Time, rand io.Reader) (*x509.Certificate, error) {
	template, err := authority(r.Subject, now, r.ValidityYears, rand)
	if err != nil {
		return nil, err
	}
	cert, err := create(template, template, key.Public(), key, rand)
	if err != nil {
		return nil, fmt.Errorf("ceremony: root certificate: %w", err)
	}
	return cert, nil
}

// newIssuing may issue mail certificates only, to subscribers only, and under the one policy only (SBR 7.1.2.2, 7.1.6.3). It has no name
// constraints: it serves any organisation's domain.
func newIssuing(spec Spec, root *x509.Certificate, key crypto.PublicKey, rootKey crypto.Signer, now time.Time, rand io.Reader) (*x509.Certificate, error) {
	template, err := authority(spec.Issuing.Subject, now, spec.Issuing.ValidityYears, rand)
	if err != nil {
		return nil, err
	}
	if template.NotAfter.After(root.NotAfter) {
		template.NotAfter = root.NotAfter
	}
	oid, err := x509.ParseOID(spec.PolicyOID)
	if err != nil {
		return nil, fmt.Errorf("ceremony: policy OID: %w", err)
	}
	template.MaxPathLenZero = true
	template.Policies = []x509.OID{oid}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	template.CRLDistributionPoints = []string{spec.Root.CRLURL}
	template.IssuingCertificateURL = []string{spec.Root.CertificateURL}
	cert, err := create(template, root, key, rootKey, rand)
	if err != nil {
		return nil, fmt.Errorf("ceremony: issuing certificate: %w", err)
	}
	return cert, nil
}

// newRootCRL is the root's first revocation list, an empty one.
func newRootCRL(r Root, root *x509.Certificate, key crypto.Signer, now time.Time, rand io.Reader) ([]byte, error) {
	der, err := x509.CreateRevocationList(rand, &x509.RevocationList{
		SignatureAlgorithm: x509.SHA256WithRSA, Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.AddDate(0, 0, r.CRLValidityDays),
	}, root, key)
	if err != nil {
		return nil, fmt.Errorf("ceremony: root CRL: %w", err)
	}
	return der, nil
}

// authority is what both CA certificates share. Both ends of the validity count (RFC 5280 4.1.2.5), so a second is taken off.
func authority(s Subject, now time.Time, years int, rand io.Reader) (*x509.Certificate, error) {
	var serial [16]byte
	if _, err := io.ReadFull(rand, serial[:]); err != nil {
		return nil, fmt.Errorf("ceremony: draw serial number: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive and always as long (SBR 7.1)
	return &x509.Certificate{
		SerialNumber:       new(big.Int).SetBytes(serial[:]),
		Subject:            s.name(),
		NotBefore:          now,
		NotAfter:           now.AddDate(years, 0, 0).Add(-time.Second),
		SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage:           x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:               true, BasicConstraintsValid: true,
	}, nil
}

func (s Subject) name() pkix.Name {
	return pkix.Name{Country: []string{s.Country}, Organization: []string{s.Organization}, CommonName: s.CommonName}
}

func create(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer, rand io.Reader) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
