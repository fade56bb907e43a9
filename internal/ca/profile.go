package ca

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"securemailid.example/internal/order"
)

// profile is the certificate profile (G5, G9, SBR 7.1.2.3) with everything that no request changes encoded beforehand.
type profile struct {
	issuer     asn1.RawValue    // subject of the issuing certificate, byte for byte, as path building compares it
	extensions []pkix.Extension // AKI, KU, EKU, policies, CRLDP, AIA
}

// content is what differs between certificates.
type content struct {
	serial    *big.Int
	notBefore time.Time
	notAfter  time.Time
	subject   []byte // Name, DER
	mailbox   string
	key       *rsa.PublicKey
}

// tbsCertificate is TBSCertificate of RFC 5280 4.1, version 3.
type tbsCertificate struct {
	Version    int `asn1:"explicit,tag:0"`
	Serial     *big.Int
	Signature  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   validity
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"explicit,tag:3"`
}

// validity encodes as UTCTime through 2049 and GeneralizedTime from 2050, as RFC 5280 4.1.2.5 wants and encoding/asn1 does.
type validity struct{ NotBefore, NotAfter time.Time }

// certificate is Certificate of RFC 5280 4.1.
type certificate struct {
	TBS       asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

// sha256WithRSA is the signature algorithm (G5), with the explicit NULL of RFC 4055 5.
func sha256WithRSA() pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}
}

func newProfile(issuer *x509.Certificate, policyOID string, urls URLs) (profile, error) {
	extensions, err := fixedExtensions(issuer, policyOID, urls)
	if err != nil {
		return profile{}, err
	}
	return profile{issuer: asn1.RawValue{FullBytes: issuer.RawSubject}, extensions: extensions}, nil
}

// encode returns the TBSCertificate of the content, DER.
func (p profile) encode(c content) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(c.key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	own, err := ownExtensions(c.key, c.mailbox)
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(tbsCertificate{
		Version: 2, Serial: c.serial, Signature: sha256WithRSA(), Issuer: p.issuer,
		Validity: validity{c.notBefore.UTC(), c.notAfter.UTC()}, Subject: asn1.RawValue{FullBytes: c.subject},
		Key: asn1.RawValue{FullBytes: spki}, Extensions: append(own, p.extensions...),
	})
	if err != nil {
		return nil, fmt.Errorf("encode TBSCertificate: %w", err)
	}
	return der, nil
}

// assemble joins a TBSCertificate and its signature.
func assemble(tbs, signature []byte) ([]byte, error) {
	der, err := asn1.Marshal(certificate{
		TBS: asn1.RawValue{FullBytes: tbs}, Algorithm: sha256WithRSA(),
		Signature: asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
	if err != nil {
		return nil, fmt.Errorf("assemble certificate: %w", err)
	}
	return der, nil
}

// maxCommonName is ub-common-name (RFC 5280 A.1).
const maxCommonName = 64

// subjectName is the distinguished name, most general attribute first. Values are PrintableString where their characters allow
// and UTF8String otherwise (RFC 5280 4.1.2.4; encoding/asn1 chooses), so Japanese names work (G10). A mailbox too long for
// commonName is left to the subjectAltName (SBR 7.1.4.2.2a).
func subjectName(s order.Subject, mailbox string) pkix.RDNSequence {
	var name pkix.RDNSequence
	add := func(oid asn1.ObjectIdentifier, value string) {
		if value != "" {
			name = append(name, pkix.RelativeDistinguishedNameSET{{Type: oid, Value: value}})
		}
	}
	add(asn1.ObjectIdentifier{2, 5, 4, 6}, order.Country)
	add(asn1.ObjectIdentifier{2, 5, 4, 8}, s.State)
	add(asn1.ObjectIdentifier{2, 5, 4, 7}, s.City)
	add(asn1.ObjectIdentifier{2, 5, 4, 10}, s.Organization)
	add(asn1.ObjectIdentifier{2, 5, 4, 11}, s.Unit)
	add(asn1.ObjectIdentifier{2, 5, 4, 97}, s.Identifier)
	if len(mailbox) <= maxCommonName {
		add(asn1.ObjectIdentifier{2, 5, 4, 3}, mailbox)
	}
	return name
}

// keyID is method 1 of RFC 7093 2: the first 160 bits of SHA-256 over the key.
func keyID(key *rsa.PublicKey) []byte {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(key))
	return sum[:20]
}
