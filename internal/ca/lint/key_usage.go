package lint

import "crypto/x509"

// keyUsage: digitalSignature and keyEncipherment, so that one key signs and receives mail. Without nonRepudiation: a key that is kept
// to read old mail should not also be evidence of intent (RFC 5280 4.2.1.3), and mail clients do not ask for it (RFC 8551 4.4.2).
func keyUsage() certificateLint {
	return certificateLint{
		name: "mailid_key_usage", citation: "SBR 7.1.2.3e; RFC 8551 4.4.2", effective: baselineRequirements(),
		check: func(in input) string {
			if in.cert.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment {
				return "keyUsage is not digitalSignature and keyEncipherment"
			}
			return ""
		},
	}
}
