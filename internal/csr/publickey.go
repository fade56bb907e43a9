package csr

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"securemailid.example/internal/fault"
)

// KeyFingerprint returns the fingerprint, as a Blocklist knows it, of the one key in data: that of a certificate, a signing request, a public
// key or a private key, as PEM or DER. It is for keys that are reported as compromised, whatever their quality; nothing of data is kept
// or repeated.
func KeyFingerprint(data []byte) ([32]byte, error) {
	if len(data) > maxText {
		return [32]byte{}, noKey()
	}
	der := data
	if block, rest := pem.Decode(data); block != nil {
		if strings.TrimSpace(string(rest)) != "" {
			return [32]byte{}, noKey()
		}
		der = block.Bytes
	}
	key := publicKeyIn(der)
	if key == nil {
		return [32]byte{}, noKey()
	}
	spki, err := x509.MarshalPKIXPublicKey(key) // in the encoding that certificates of ours have
	if err != nil {
		return [32]byte{}, noKey()
	}
	return sha256.Sum256(spki), nil
}

// publicKeyIn tries the forms that a key comes in.
func publicKeyIn(der []byte) crypto.PublicKey {
	if c, err := x509.ParseCertificate(der); err == nil {
		return c.PublicKey
	}
	if r, err := x509.ParseCertificateRequest(der); err == nil {
		return r.PublicKey
	}
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		return k
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		private, err = parseOlder(der)
	}
	if signer, ok := private.(crypto.Signer); ok && err == nil {
		return signer.Public()
	}
	return nil
}

// parseOlder reads private keys in the forms before PKCS #8.
func parseOlder(der []byte) (any, error) {
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	return x509.ParseECPrivateKey(der)
}

func noKey() error {
	return fault.New(fault.Invalid, "key.malformed", "証明書、CSR、公開鍵、秘密鍵のいずれかを1つ含むPEMまたはDERのファイルが必要です。",
		"A file with one certificate, CSR, public key or private key is needed, as PEM or DER.")
}
