package lint

import (
	"bytes"
	"crypto/x509"
)

// sha256WithRSA is the AlgorithmIdentifier of sha256WithRSAEncryption with its explicit NULL, byte for byte (SBR 7.1.3.2.1).
func sha256WithRSA() []byte {
	return []byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00}
}

// signatureAlgorithm: SHA-256 with RSA in exactly the prescribed encoding, inside what is signed (G5).
func signatureAlgorithm() certificateLint {
	return certificateLint{
		name: "mailid_signature_algorithm", citation: "SBR 7.1.3.2.1; RFC 4055 5; G5", effective: baselineRequirements(),
		check: func(in input) string {
			if in.cert.SignatureAlgorithm != x509.SHA256WithRSA || !bytes.Equal(innerAlgorithm(in.cert), sha256WithRSA()) {
				return "the signature algorithm is not sha256WithRSAEncryption with NULL parameters"
			}
			return ""
		},
	}
}

// innerAlgorithm returns the encoded field signature of the TBSCertificate: the third element, after version and serial.
func innerAlgorithm(cert *x509.Certificate) []byte {
	tbs, _, ok := element(cert.RawTBSCertificate)
	if !ok {
		return nil
	}
	rest := tbs.Bytes
	for range 2 {
		if _, rest, ok = element(rest); !ok {
			return nil
		}
	}
	algorithm, _, _ := element(rest)
	return algorithm.FullBytes
}
