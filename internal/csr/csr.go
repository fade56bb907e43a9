// Package csr reads certificate signing requests (G6) and refuses keys that must not be certified. It is pure. What is taken from
// a request is its public key alone: names in it give way to the form.
package csr

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

// Request is a signing request that has passed every check.
type Request struct {
	DER         []byte
	PublicKey   []byte   // SubjectPublicKeyInfo, DER
	Fingerprint [32]byte // SHA-256 of PublicKey
	Bits        int      // of the modulus
	Subject     Subject
	Emails      []string // subject and subjectAltName, as found, each once
}

// Subject is what the request says of its owner, as found. Only the form decides what is certified (G6).
type Subject struct {
	CommonName, Organization, Unit, State, City, Country string
}

// FingerprintHex returns the key's fingerprint in lower-case hex.
func (r Request) FingerprintHex() string { return hex.EncodeToString(r.Fingerprint[:]) }

// PEM returns the request in its normal form.
func (r Request) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: r.DER}))
}

// Blocklist knows keys that are compromised (SBR 6.1.1.3 item 4) or come from a broken generator, such as Debian's of 2008 (item 5), by
// the SHA-256 of their SubjectPublicKeyInfo.
type Blocklist interface {
	Compromised(fingerprint [32]byte) bool
}

// Parse reads a request as PEM, as base64 of DER or as DER and checks its signature and key. blocked may be nil. Every failure
// is a *fault.Error with one field of path "csr"; it never repeats the input.
func Parse(text string, blocked Blocklist) (Request, error) {
	der, err := extract(text)
	if err != nil {
		return Request{}, err
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return Request{}, malformed()
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	if !ok {
		return Request{}, notRSA()
	}
	if err := checkKey(key); err != nil {
		return Request{}, err
	}
	if err := checkSignature(parsed); err != nil {
		return Request{}, err
	}
	r := Request{
		DER: parsed.Raw, PublicKey: parsed.RawSubjectPublicKeyInfo, Fingerprint: sha256.Sum256(parsed.RawSubjectPublicKeyInfo),
		Bits: key.N.BitLen(), Subject: subjectOf(parsed), Emails: emailsOf(parsed),
	}
	if blocked != nil && blocked.Compromised(r.Fingerprint) {
		return Request{}, compromised()
	}
	if !bytes.Equal(r.PublicKey, canonical(key)) {
		return Request{}, malformed()
	}
	return r, nil
}

// canonical re-encodes the key: rsaEncryption with explicit NULL and nothing else (SBR 7.1.3.1). The bytes of the request are copied
// into the certificate, so they must be these.
func canonical(key *rsa.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil
	}
	return der
}

// checkSignature proves possession of the key. SHA-1 and MD5 prove nothing any more (SBR 7.1.3.2).
func checkSignature(r *x509.CertificateRequest) error {
	strong := []x509.SignatureAlgorithm{
		x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
	}
	if !slices.Contains(strong, r.SignatureAlgorithm) {
		return weakSignature()
	}
	if err := r.CheckSignature(); err != nil {
		return badSignature()
	}
	return nil
}

// oidEmail is emailAddress of PKCS #9.
var oidEmail = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

func subjectOf(r *x509.CertificateRequest) Subject {
	joined := func(v []string) string { return strings.Join(v, ", ") }
	n := r.Subject
	return Subject{
		CommonName: n.CommonName, Organization: joined(n.Organization), Unit: joined(n.OrganizationalUnit),
		State: joined(n.Province), City: joined(n.Locality), Country: joined(n.Country),
	}
}

func emailsOf(r *x509.CertificateRequest) []string {
	var out []string
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, n := range r.Subject.Names {
		if s, ok := n.Value.(string); ok && n.Type.Equal(oidEmail) {
			add(s)
		}
	}
	for _, s := range r.EmailAddresses {
		add(s)
	}
	return out
}
