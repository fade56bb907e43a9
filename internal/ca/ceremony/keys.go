package ceremony

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"securemailid.example/internal/ca/hsm"
)

// newKey is a private key that was made, and the file that keeps it, or its name in the HSM.
type newKey struct {
	crypto.Signer
	place   string // for the log: the file's name, or the key's URI
	file    file
	discard func() error // undoes the making of a key that nothing will be certified for
}

// makeKey makes the key of the CA of that name: in the HSM of the URI, or as a file without one.
func makeKey(ctx context.Context, name, uri string, bits int, rand io.Reader, ring *hsm.Ring) (newKey, error) {
	if err := ctx.Err(); err != nil {
		return newKey{}, err
	}
	if uri != "" {
		return makeKeyInside(name, uri, bits, ring)
	}
	key, err := rsa.GenerateKey(rand, bits)
	if err != nil {
		return newKey{}, fmt.Errorf("ceremony: make key: %w", err)
	}
	text, err := privatePEM(key)
	if err != nil {
		return newKey{}, err
	}
	k := newKey{Signer: key, place: name + ".key", file: file{name + ".key", 0o600, text}}
	k.discard = func() error { clear(text); return nil }
	return k, nil
}

func makeKeyInside(name, uri string, bits int, ring *hsm.Ring) (newKey, error) {
	u, err := hsm.ParseURI(uri)
	if err != nil {
		return newKey{}, err
	}
	key, err := ring.Generate(u, bits)
	if err != nil {
		return newKey{}, err
	}
	text := key.URI().String()
	return newKey{Signer: key, place: text, file: file{name + ".uri", 0o644, []byte(text + "\n")}, discard: key.Delete}, nil
}

// privatePEM is PKCS #8, not encrypted.
func privatePEM(key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("ceremony: encode key: %w", err)
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// discard undoes the keys after a failure, whose error it returns with its own.
func discard(err error, keys ...newKey) error {
	for _, k := range keys {
		if k.discard != nil {
			err = errors.Join(err, k.discard())
		}
	}
	return err
}

// file is one that a ceremony leaves behind.
type file struct {
	name string
	mode fs.FileMode
	data []byte
}
