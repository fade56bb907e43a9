package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Sign signs exactly the given bytes and returns the certificate, DER. It refuses, with a fault of kind Conflict, bytes that
// this CA did not prepare or that were changed since. PKCS #1 v1.5 signatures are deterministic, so a repeat returns the same
// certificate bit for bit and can never make a second one. A key that does not answer is a fault of kind Unavailable.
func (c *CA) Sign(ctx context.Context, t order.ToBeSigned) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.Issuer != c.id {
		return nil, fault.New(fault.Conflict, "tbs.issuer",
			"この証明書は別の発行 CA で準備されたものです。", "This certificate was prepared by another issuing CA.")
	}
	if !hmac.Equal(t.Seal, c.seal(t)) {
		return nil, errSeal()
	}
	digest := sha256.Sum256(t.DER)
	signature, err := c.signer.Sign(c.rand, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "ca.key",
			"署名鍵が応答しません。しばらくしてから再試行します。", "The signing key does not answer; it will be tried again.").Because(err)
	}
	der, err := assemble(t.DER, signature)
	if err != nil {
		return nil, err
	}
	if err := c.compare(der, t); err != nil {
		return nil, err
	}
	return der, nil
}

// compare reads the certificate back: what came out is what went in, and the issuer's certificate verifies it.
func (c *CA) compare(der []byte, t order.ToBeSigned) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("read back certificate: %w", err)
	}
	if !bytes.Equal(cert.RawTBSCertificate, t.DER) {
		return fmt.Errorf("read back certificate: its body differs from what was prepared")
	}
	if cert.SerialNumber.Text(16) != t.Serial || !cert.NotBefore.Equal(t.NotBefore) || !cert.NotAfter.Equal(t.NotAfter) {
		return fmt.Errorf("read back certificate: the record beside its body says something else")
	}
	if err := cert.CheckSignatureFrom(c.cert); err != nil {
		return fmt.Errorf("verify signature: %w", err)
	}
	return nil
}

func errSeal() error {
	return fault.New(fault.Conflict, "tbs.seal",
		"署名対象のデータが準備時から変わっているため署名しません。運用担当者による調査が必要です。",
		"What is to be signed has changed since it was prepared, so it is not signed. Operators must look into it.")
}
