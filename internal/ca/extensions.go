package ca

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// Context tags of GeneralName (RFC 5280 4.2.1.6).
const (
	tagRFC822Name = 1
	tagURI        = 6
)

// idCE is the arc of certificate extensions, id-ce (RFC 5280 4.2.1).
func idCE(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, n} }

// idPKIX is the arc of id-pkix (RFC 5280 A.1).
func idPKIX(n ...int) asn1.ObjectIdentifier {
	return append(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7}, n...)
}

// extension encodes one extension.
func extension(oid asn1.ObjectIdentifier, critical bool, value any) (pkix.Extension, error) {
	der, err := asn1.Marshal(value)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("encode extension %s: %w", oid, err)
	}
	return pkix.Extension{Id: oid, Critical: critical, Value: der}, nil
}

// ownExtensions are those that differ between certificates: the key's identifier and the one mailbox. subjectAltName is not
// critical since the subject is not empty (RFC 5280 4.2.1.6).
func ownExtensions(key *rsa.PublicKey, mailbox string) ([]pkix.Extension, error) {
	ski, err := extension(idCE(14), false, keyID(key))
	if err != nil {
		return nil, err
	}
	san, err := extension(idCE(17), false, []asn1.RawValue{generalName(tagRFC822Name, mailbox)})
	if err != nil {
		return nil, err
	}
	return []pkix.Extension{ski, san}, nil
}

// fixedExtensions are those that all certificates of the CA share. basicConstraints is left out: it is optional for subscribers
// and its absence means no CA (RFC 5280 4.2.1.9).
func fixedExtensions(issuer *x509.Certificate, policyOID string, urls URLs) ([]pkix.Extension, error) {
	policy, err := parseOID(policyOID)
	if err != nil {
		return nil, err
	}
	all := []struct {
		oid      asn1.ObjectIdentifier
		critical bool
		value    any
	}{
		{idCE(35), false, authorityKeyID{KeyID: issuer.SubjectKeyId}}, // keyIdentifier only: SBR 7.1.2.3g
		// digitalSignature and keyEncipherment: one key for signing and for receiving encrypted mail (SBR 7.1.2.3e, dual use). No
		// nonRepudiation: a key that is kept to read old mail is no evidence of intent, and clients do not need it (RFC 8551 4.4.2).
		{idCE(15), true, asn1.BitString{Bytes: []byte{0b1010_0000}, BitLength: 3}},
		{idCE(37), false, []asn1.ObjectIdentifier{idPKIX(3, 4)}},           // emailProtection only: what Strict demands (SBR 7.1.2.3f)
		{idCE(32), false, []policyInformation{{Policy: policy}}},           // exactly one: SBR 7.1.2.3a
		{idCE(31), false, []distributionPoint{httpDistribution(urls.CRL)}}, // SBR 7.1.2.3b
		{idPKIX(1, 1), false, authorityInfo(urls)},                         // SBR 7.1.2.3c
	}
	out := make([]pkix.Extension, len(all))
	for i, e := range all {
		if out[i], err = extension(e.oid, e.critical, e.value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// authorityKeyID is AuthorityKeyIdentifier (RFC 5280 4.2.1.1).
type authorityKeyID struct {
	KeyID []byte `asn1:"tag:0"`
}

// policyInformation is PolicyInformation without qualifiers (RFC 5280 4.2.1.4).
type policyInformation struct{ Policy asn1.ObjectIdentifier }

// distributionPoint is DistributionPoint with a full name (RFC 5280 4.2.1.13).
type distributionPoint struct {
	Name distributionPointName `asn1:"tag:0"`
}

type distributionPointName struct {
	FullName []asn1.RawValue `asn1:"tag:0"`
}

func httpDistribution(url string) distributionPoint {
	return distributionPoint{distributionPointName{[]asn1.RawValue{generalName(tagURI, url)}}}
}

// accessDescription is AccessDescription (RFC 5280 4.2.2.1).
type accessDescription struct {
	Method   asn1.ObjectIdentifier
	Location asn1.RawValue
}

func authorityInfo(urls URLs) []accessDescription {
	info := []accessDescription{{idPKIX(48, 2), generalName(tagURI, urls.AIA)}} // caIssuers
	if urls.OCSP != "" {
		info = append(info, accessDescription{idPKIX(48, 1), generalName(tagURI, urls.OCSP)})
	}
	return info
}

func generalName(tag int, s string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(s)}
}

// parseOID reads a dotted OID into the form that encoding/asn1 writes.
func parseOID(s string) (asn1.ObjectIdentifier, error) {
	oid, err := x509.ParseOID(s)
	if err != nil {
		return nil, fmt.Errorf("certificate policy %q is no OID: %w", s, err)
	}
	der, err := oid.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("certificate policy %q: %w", s, err)
	}
	full, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagOID, Bytes: der})
	if err != nil {
		return nil, fmt.Errorf("certificate policy %q: %w", s, err)
	}
	var out asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(full, &out); err != nil {
		return nil, fmt.Errorf("certificate policy %q: %w", s, err)
	}
	return out, nil
}
