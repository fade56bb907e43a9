package order

import "time"

// CertificateRequest is the frozen content of one certificate, ready to be prepared by the CA.
type CertificateRequest struct {
	Order         string
	Sequence      int // 1 for the first certificate of the order
	Subject       Subject
	Email         string // the only rfc822Name
	PublicKey     []byte // SubjectPublicKeyInfo, DER
	ValidityYears int
	NotAfter      time.Time // set for a reissue (G25); zero: ValidityYears from now
	RawSubject    []byte    // set for a reissue: the original's distinguished name, DER, which is certified byte for byte instead of Subject
}

// ToBeSigned is a prepared and linted certificate body. It is stored before the CA key is touched, and every attempt to
// sign signs exactly these bytes.
type ToBeSigned struct {
	Order     string
	Sequence  int
	DER       []byte // TBSCertificate
	Serial    string // lower-case hex, no leading zeros
	Issuer    string // id of the issuing CA: lower-case hex of the first 8 bytes of SHA-256 over its certificate
	NotBefore time.Time
	NotAfter  time.Time
	Seal      []byte // 32 bytes: the CA's proof that it linted DER for this order and sequence; stored as it is, checked before signing
}

// Certificate is an issued certificate.
type Certificate struct {
	Order     string
	Sequence  int
	Serial    string
	Issuer    string
	DER       []byte
	NotBefore time.Time
	NotAfter  time.Time
	IssuedAt  time.Time
	RevokedAt time.Time        // zero: not revoked
	Reason    RevocationReason // of the revocation
}

// IssuingCA is a CA certificate with its chain, as the download page and the AIA address serve it.
type IssuingCA struct {
	ID    string
	DER   []byte
	Chain [][]byte // issuers of DER, ending with the root
}
