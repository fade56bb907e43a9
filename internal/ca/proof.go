package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"

	"github.com/smallstep/pkcs7"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// maxProof bounds a signed wish, bytes: a short text with a signature and a chain.
const maxProof = 64 << 10

// Proof is a subscriber's wish to revoke with a signature over it that is not verified yet.
type Proof struct {
	Wish   order.RevocationWish
	signed *pkcs7.PKCS7
}

// ReadProof reads a CMS SignedData (RFC 5652) with the signed text inside, as DER or PEM. What it says counts only after Verify.
func ReadProof(data []byte) (Proof, error) {
	if len(data) > maxProof {
		return Proof{}, malformedProof()
	}
	if block, rest := pem.Decode(data); block != nil {
		if len(bytes.TrimSpace(rest)) > 0 {
			return Proof{}, malformedProof()
		}
		data = block.Bytes
	}
	signed, err := pkcs7.Parse(data)
	if err != nil || len(signed.Signers) != 1 {
		return Proof{}, malformedProof()
	}
	wish, err := order.ParseRevocationWish(string(signed.Content))
	return Proof{Wish: wish, signed: signed}, err
}

// Verify proves that the text was signed with the key of the certificate, DER. Certificates that came with the signature are not looked
// at: the one of the record is what counts. SHA-1 and MD5 prove nothing.
func (p Proof) Verify(certificate []byte) error {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return malformedProof()
	}
	digest := p.signed.Signers[0].DigestAlgorithm.Algorithm
	strong := digest.Equal(pkcs7.OIDDigestAlgorithmSHA256) || digest.Equal(pkcs7.OIDDigestAlgorithmSHA384) || digest.Equal(pkcs7.OIDDigestAlgorithmSHA512)
	p.signed.Certificates = []*x509.Certificate{cert}
	if !strong || p.signed.Verify() != nil {
		return fault.New(fault.Forbidden, "proof.signature", "署名が、この証明書の秘密鍵によるものではありません (署名は SHA-256 以上で行ってください)。",
			"The signature is not of this certificate's key (sign with SHA-256 or stronger).")
	}
	return nil
}

func malformedProof() error {
	return fault.New(fault.Invalid, "proof.malformed", "CMS署名 (PEMまたはDER、文面を含む) を読み取れません。",
		"This is no CMS signature with its text inside, as PEM or DER.")
}
