package csr

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// maxText bounds what is looked at, in bytes. A request for RSA 8192 in PEM stays below 5 KiB.
const maxText = 16 << 10

const pemType = "CERTIFICATE REQUEST"

// extract returns the DER of the one request in text.
func extract(text string) ([]byte, error) {
	trimmed := strings.TrimSpace(strings.TrimPrefix(text, "\uFEFF"))
	switch {
	case trimmed == "":
		return nil, required()
	case len(text) > maxText:
		return nil, tooLong()
	case strings.Contains(strings.ToUpper(text), "PRIVATE KEY"):
		return nil, privateKey()
	case strings.Contains(trimmed, "-----BEGIN"):
		return fromPEM(trimmed)
	case text[0] == 0x30 && !isBase64(trimmed): // SEQUENCE, which is also the digit 0
		return fromDER([]byte(text))
	default:
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(trimmed), ""))
		if err != nil {
			return nil, malformed()
		}
		return fromDER(der)
	}
}

// fromPEM accepts exactly one block with nothing around it. pem.Decode alone would skip what it does not like.
func fromPEM(text string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, malformed()
	case strings.Count(text, "-----BEGIN") != 1, !strings.HasPrefix(text, "-----BEGIN"), len(bytes.TrimSpace(rest)) > 0:
		return nil, notAlone()
	case block.Type == "CERTIFICATE":
		return nil, certificate()
	case block.Type != pemType && block.Type != "NEW "+pemType, len(block.Headers) > 0:
		return nil, malformed()
	default:
		return fromDER(block.Bytes)
	}
}

// fromDER recognises what people send by mistake.
func fromDER(der []byte) ([]byte, error) {
	if isPrivateKey(der) {
		return nil, privateKey()
	}
	if _, err := x509.ParseCertificate(der); err == nil {
		return nil, certificate()
	}
	return der, nil
}

func isPrivateKey(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, sec1 := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || sec1 == nil
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	return err == nil
}
