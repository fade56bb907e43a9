package ca

import (
	"bytes"
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"securemailid.example/internal/order"
)

// selfTest is what the key signs at start. It is no DER, so the signature can never be that of a certificate or a CRL.
const selfTest = "Secure Mail ID: issuing key self-test; this is neither a certificate nor a CRL"

// testKey proves that the key works, is the certificate's and signs repeatably, and derives from that secret, unpublished signature
// the key of the seals. So every worker that holds the CA key agrees on the seals, and nobody else can make one: write access to
// the database is not enough to have something signed. It also returns the size of a signature, bytes.
func testKey(signer crypto.Signer, cert *x509.Certificate, rand io.Reader) (sealKey []byte, size int, err error) {
	digest := sha256.Sum256([]byte(selfTest))
	first, err := signer.Sign(rand, digest[:], crypto.SHA256)
	if err != nil {
		return nil, 0, fmt.Errorf("the issuing key does not sign: %w", err)
	}
	second, err := signer.Sign(rand, digest[:], crypto.SHA256)
	if err != nil {
		return nil, 0, fmt.Errorf("the issuing key does not sign: %w", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], first) != nil {
		return nil, 0, errors.New("the issuing key's signature does not verify by the issuing certificate")
	}
	if !bytes.Equal(first, second) {
		return nil, 0, errors.New("the issuing key signs differently each time; a repeated issue must be bit-identical (PKCS #1 v1.5)")
	}
	sealKey, err = hkdf.Key(sha256.New, first, nil, "to-be-signed seal "+IssuerID(cert), sha256.Size)
	return sealKey, len(first), err
}

// seal binds the bytes to their order and sequence, and to what the record says of them.
func (c *CA) seal(t order.ToBeSigned) []byte {
	mac := hmac.New(sha256.New, c.sealKey)
	number := func(n int64) { mac.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	for _, part := range [][]byte{t.DER, []byte(t.Order), []byte(t.Serial)} {
		number(int64(len(part))) // lengths first, so that no part can borrow from the next
		mac.Write(part)
	}
	number(int64(t.Sequence))
	number(t.NotBefore.Unix())
	number(t.NotAfter.Unix())
	return mac.Sum(nil)
}
