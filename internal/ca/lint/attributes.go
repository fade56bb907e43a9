package lint

import (
	"crypto/x509"
	"encoding/asn1"
	"unicode/utf8"
)

// Subject attribute types by name (X.520, RFC 5280 A.1).
const (
	oidCommonName         = "2.5.4.3"
	oidCountry            = "2.5.4.6"
	oidLocality           = "2.5.4.7"
	oidState              = "2.5.4.8"
	oidOrganization       = "2.5.4.10"
	oidOrganizationalUnit = "2.5.4.11"
	oidOrganizationID     = "2.5.4.97"
)

// values returns the subject's values of one attribute type, as text.
func values(cert *x509.Certificate, oid string) []string {
	var out []string
	for _, a := range cert.Subject.Names {
		if a.Type.String() == oid {
			s, _ := a.Value.(string)
			out = append(out, s)
		}
	}
	return out
}

// has reports whether the subject has the attribute with a value that is not empty.
func has(cert *x509.Certificate, oid string) bool {
	for _, v := range values(cert, oid) {
		if v != "" {
			return true
		}
	}
	return false
}

// length counts characters: the upper bounds of RFC 5280 A.1 are in characters, not bytes.
func length(s string) int { return utf8.RuneCountInString(s) }

// extension returns the value of an extension.
func extension(cert *x509.Certificate, oid string) (value []byte, critical, ok bool) {
	for _, e := range cert.Extensions {
		if e.Id.String() == oid {
			return e.Value, e.Critical, true
		}
	}
	return nil, false, false
}

// element reads one DER element and what follows it.
func element(der []byte) (asn1.RawValue, []byte, bool) {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(der, &v)
	return v, rest, err == nil
}
