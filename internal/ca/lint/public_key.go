package lint

import (
	"bytes"
	"crypto/rsa"
)

// rsaEncryption is the AlgorithmIdentifier of an RSA key with its explicit NULL, byte for byte (SBR 7.1.3.1.1).
func rsaEncryption() []byte {
	return []byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00}
}

// publicKey: RSA of at least 2048 bits, a multiple of 8, with an odd exponent of at least 3.
func publicKey() certificateLint {
	return certificateLint{
		name: "mailid_public_key", citation: "SBR 6.1.5, 6.1.6, 7.1.3.1.1; G5", effective: baselineRequirements(),
		check: func(in input) string {
			key, ok := in.cert.PublicKey.(*rsa.PublicKey)
			if !ok {
				return "the public key is not RSA"
			}
			outer, _, _ := element(in.cert.RawSubjectPublicKeyInfo)
			algorithm, _, _ := element(outer.Bytes)
			bits := key.N.BitLen()
			switch {
			case !bytes.Equal(algorithm.FullBytes, rsaEncryption()):
				return "the public key's algorithm is not rsaEncryption with NULL parameters"
			case bits < 2048 || bits%8 != 0:
				return "the RSA modulus is shorter than 2048 bits or not a multiple of 8"
			case key.E < 3 || key.E%2 == 0:
				return "the RSA exponent is even or below 3"
			default:
				return ""
			}
		},
	}
}
