// Package ca is the certification authority proper: the S/MIME certificate profile, linting before signing, signing, CRLs and the
// bundles that people download. It issues in two steps that cannot be swapped: Prepare builds, lints and seals the to-be-signed
// bytes without touching the key; Sign signs exactly sealed bytes and nothing else.
package ca

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// URLs are the addresses that certificates carry, plain http (SBR 7.1.2.3).
type URLs struct {
	CRL  string // of this CA's certificate revocation list
	AIA  string // of this CA's own certificate (caIssuers)
	OCSP string // responder; empty: none
}

// Config is what a CA is made of.
type Config struct {
	Signer      crypto.Signer       // the issuing key: a file in development, an HSM in production
	Certificate *x509.Certificate   // of that key
	Chain       []*x509.Certificate // its issuers, ending with the root
	URLs        URLs
	Profile     policy.Book
	PolicyOID   string // certificate policy of what is issued; empty: the one of the policy table. A private CA asserts none of the CA/Browser Forum's unless it is named here.
	Clock       func() time.Time
	Rand        io.Reader // a CSPRNG; serial numbers come from it
}

// CA issues certificates and CRLs under one issuing certificate. It is immutable and safe for concurrent use.
type CA struct {
	signer          crypto.Signer
	cert            *x509.Certificate
	chain           []*x509.Certificate
	id              string
	crlURL          string
	profile         profile
	book            policy.Book
	policyOID       string
	linter          *lint.Linter
	sealKey         []byte
	staticSignature []byte // of a real one's size, for linting
	clock           func() time.Time
	rand            io.Reader
}

// New checks that the parts belong together and returns the CA: the key is the certificate's and signs repeatably, is long
// enough for the policy now, the certificate may issue S/MIME and its chain holds now.
func New(cfg Config) (*CA, error) {
	if cfg.Signer == nil || cfg.Certificate == nil || cfg.Clock == nil || cfg.Rand == nil {
		return nil, errors.New("ca: signer, certificate, clock and random source must be given")
	}
	if cfg.PolicyOID == "" {
		cfg.PolicyOID = cfg.Profile.At(cfg.Clock()).CertificatePolicy
	}
	if err := check(cfg); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	sealKey, size, err := testKey(cfg.Signer, cfg.Certificate, cfg.Rand)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	linter, err := lint.New(cfg.PolicyOID)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	p, err := newProfile(cfg.Certificate, cfg.PolicyOID, cfg.URLs)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return &CA{
		signer: cfg.Signer, cert: cfg.Certificate, chain: slices.Clone(cfg.Chain), id: IssuerID(cfg.Certificate), crlURL: cfg.URLs.CRL,
		profile: p, book: cfg.Profile, policyOID: cfg.PolicyOID, linter: linter,
		sealKey: sealKey, staticSignature: make([]byte, size), clock: cfg.Clock, rand: cfg.Rand,
	}, nil
}

// check reports everything that is wrong with the parts, not only the first.
func check(cfg Config) error {
	now := cfg.Clock()
	rules := cfg.Profile.At(now)
	return errors.Join(
		checkKey(cfg.Signer, cfg.Certificate, rules.MinIssuingCABits),
		checkChain(cfg.Certificate, cfg.Chain, now),
		checkPolicy(cfg.PolicyOID, cfg.Certificate, rules),
		checkURLs(cfg.URLs),
	)
}

// IssuerID names an issuing CA: lower-case hex of the first 8 bytes of SHA-256 over its certificate.
func IssuerID(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:8])
}

// ID is the IssuerID of the CA's certificate.
func (c *CA) ID() string { return c.id }

// Describe returns the CA's certificate and chain as the download page and the AIA address serve them.
func (c *CA) Describe() order.IssuingCA {
	d := order.IssuingCA{ID: c.id, DER: slices.Clone(c.cert.Raw)}
	for _, issuer := range c.chain {
		d.Chain = append(d.Chain, slices.Clone(issuer.Raw))
	}
	return d
}

// checkKey holds SBR 6.1.5: issuing CAs certified since 2026-09-15 have RSA keys of at least 4096 bits.
func checkKey(signer crypto.Signer, cert *x509.Certificate, leastBits int) error {
	key, ok := signer.Public().(*rsa.PublicKey)
	switch {
	case !ok:
		return errors.New("the issuing key is not RSA, which the product's signature needs (G5)")
	case !key.Equal(cert.PublicKey):
		return errors.New("the issuing key is not the key of the issuing certificate")
	case key.N.BitLen() < leastBits:
		return fmt.Errorf("the issuing key has %d bits, the policy needs %d", key.N.BitLen(), leastBits)
	default:
		return nil
	}
}

// checkChain holds RFC 5280 6.1 for the CA itself: without that nothing it issues can be verified.
func checkChain(cert *x509.Certificate, chain []*x509.Certificate, now time.Time) error {
	switch {
	case !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 || cert.KeyUsage&x509.KeyUsageCRLSign == 0:
		return errors.New("the issuing certificate may not sign certificates and CRLs")
	case len(cert.SubjectKeyId) == 0:
		return errors.New("the issuing certificate has no subject key identifier")
	case len(chain) == 0:
		return errors.New("the chain of the issuing certificate is empty; it must end with the root")
	}
	root := chain[len(chain)-1]
	if err := root.CheckSignatureFrom(root); err != nil {
		return fmt.Errorf("the chain does not end with a self-signed root: %w", err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range chain[:len(chain)-1] {
		between.AddCert(c)
	}
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	})
	if err != nil {
		return fmt.Errorf("the chain of the issuing certificate does not hold: %w", err)
	}
	return nil
}

// checkPolicy holds SBR 7.1.6.1 for the public profile, and that the issuing certificate passes the policy on (RFC 5280 6.1.3).
func checkPolicy(oid string, cert *x509.Certificate, rules policy.Rules) error {
	if oid == "" {
		return errors.New("the certificate policy is not set; a private CA uses an OID of its own arc")
	}
	if rules.Profile == policy.PublicTrust && !lint.IsBaselinePolicy(oid) {
		return fmt.Errorf("profile public-trust issues under %s or %s only", lint.OIDStrict, lint.OIDMultipurpose)
	}
	const anyPolicy = "2.5.29.32.0"
	if !slices.ContainsFunc(cert.Policies, func(p x509.OID) bool { return p.String() == oid || p.String() == anyPolicy }) {
		return fmt.Errorf("the issuing certificate does not hold the policy %s", oid)
	}
	return nil
}

func checkURLs(u URLs) error {
	addresses := []string{u.CRL, u.AIA}
	if u.OCSP != "" {
		addresses = append(addresses, u.OCSP)
	}
	for _, address := range addresses {
		if parsed, err := url.Parse(address); err != nil || parsed.Scheme != "http" || parsed.Host == "" {
			return fmt.Errorf("the addresses of CRL, CA certificate and OCSP must be plain http URLs, not %q", address)
		}
	}
	return nil
}
