package ocsp

import (
	"crypto"
	_ "crypto/sha1" //nolint:gosec // CertIDs of RFC 5019 name certificates by it; linked in for crypto.Hash
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"sync/atomic"
	"time"

	"securemailid.example/internal/order"
)

// issuer is an issuing CA whose certificates this responder answers for.
type issuer struct {
	id     string
	cert   *x509.Certificate
	names  []issuerID // as clients name it
	signer atomic.Pointer[signer]
}

// signer is the key that answers are signed with, and its certificate.
type signer struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// usable returns the signer at now, nil if there is none that is valid.
func (i *issuer) usable(now time.Time) *signer {
	s := i.signer.Load()
	if s == nil || !now.Before(s.cert.NotAfter) {
		return nil
	}
	return s
}

func newIssuer(c order.IssuingCA) (*issuer, error) {
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, fmt.Errorf("stored CA certificate: %w", err)
	}
	// The hash is over the key without the algorithm that stands around it (RFC 6960 4.1.1).
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, fmt.Errorf("key of the stored CA certificate: %w", err)
	}
	i := &issuer{id: c.ID, cert: cert}
	for _, hash := range hashes {
		i.names = append(i.names, issuerID{hash, string(digest(hash, cert.RawSubject)), string(digest(hash, info.PublicKey.RightAlign()))})
	}
	return i, nil
}

// hashes are those by which clients may name a certificate.
var hashes = []crypto.Hash{crypto.SHA1, crypto.SHA256}

func digest(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// fingerprint is the SHA-256 of a key's SubjectPublicKeyInfo.
func fingerprint(key crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	return sum[:], nil
}
