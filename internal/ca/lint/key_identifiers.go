package lint

import (
	"bytes"
	"encoding/asn1"
)

// keyIdentifiers: both key identifiers are there and name different keys; the issuer's is given by keyIdentifier alone, without its name and
// serial number, which would tie the certificate to one certificate of the CA.
func keyIdentifiers() certificateLint {
	return certificateLint{
		name: "mailid_key_identifiers", citation: "SBR 7.1.2.3g; RFC 5280 4.2.1.1, 4.2.1.2", effective: baselineRequirements(),
		check: func(in input) string {
			value, _, _ := extension(in.cert, oidAuthorityKeyID)
			sequence, rest, ok := element(value)
			id, more, found := element(sequence.Bytes)
			switch {
			case !ok || len(rest) > 0 || !found || len(more) > 0 || id.Class != asn1.ClassContextSpecific || id.Tag != 0 || len(id.Bytes) == 0:
				return "authorityKeyIdentifier is not a keyIdentifier alone"
			case len(in.cert.SubjectKeyId) == 0:
				return "subjectKeyIdentifier is empty"
			case bytes.Equal(id.Bytes, in.cert.SubjectKeyId):
				return "the certificate's key has the identifier of its issuer's"
			default:
				return ""
			}
		},
	}
}
