package p12

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"

	"securemailid.example/internal/fault"
)

// ParseKey reads the one private key of a PEM text: PKCS #8, encrypted (PBES2) or not, or PKCS #1. passphrase is asked for an encrypted
// key only. Faults are of kind Invalid and repeat nothing of the key.
func ParseKey(text []byte, passphrase func() (string, error)) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errKey("PEM 形式 (-----BEGIN …) の秘密鍵ではありません。", "It is no private key in PEM (-----BEGIN …).")
	}
	defer clear(block.Bytes)
	if more, _ := pem.Decode(rest); more != nil {
		clear(more.Bytes)
		return nil, errKey("ファイルには秘密鍵を 1 つだけ入れてください。", "The file must hold the private key alone.")
	}
	switch {
	case block.Headers["DEK-Info"] != "":
		return nil, errKey("古い形式で暗号化されています。「openssl pkcs8 -topk8 -v2 aes-256-cbc」で変換してください。",
			"It is encrypted in an old way. Convert it by \"openssl pkcs8 -topk8 -v2 aes-256-cbc\".")
	case block.Type == "PRIVATE KEY":
		return signer(x509.ParsePKCS8PrivateKey(block.Bytes))
	case block.Type == "RSA PRIVATE KEY":
		return signer(x509.ParsePKCS1PrivateKey(block.Bytes))
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return decryptKey(block.Bytes, passphrase)
	default:
		return nil, errKey("秘密鍵のファイルではありません。", "The file is of something else than a private key.")
	}
}

// signer leaves out why a key cannot be read: the reason may quote it.
func signer[K any](key K, err error) (crypto.Signer, error) {
	s, ok := any(key).(crypto.Signer)
	if err != nil || !ok {
		return nil, errKey("秘密鍵を読み取れません。", "The private key cannot be read.")
	}
	return s, nil
}

func errKey(ja, en string) error { return fault.New(fault.Invalid, "p12.key", ja, en) }
