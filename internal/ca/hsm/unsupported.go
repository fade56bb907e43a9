//go:build !cgo

package hsm

import (
	"crypto"
	"crypto/rsa"
	"io"

	"securemailid.example/internal/fault"
)

// Token needs cgo.
type Token struct{}

// Key needs cgo.
type Key struct{}

func openToken(URI) (*Token, error)            { return nil, errUnsupported() }
func (*Token) key(URI) (*Key, error)           { return nil, errUnsupported() }
func (*Token) generate(URI, int) (*Key, error) { return nil, errUnsupported() }
func (*Token) close() error                    { return nil }

// URI names the key.
func (*Key) URI() URI { return URI{} }

// Public returns the *rsa.PublicKey.
func (*Key) Public() crypto.PublicKey { return (*rsa.PublicKey)(nil) }

// Sign needs cgo.
func (*Key) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errUnsupported() }

// Delete needs cgo.
func (*Key) Delete() error { return errUnsupported() }

// errUnsupported names the remedy for a build without cgo.
func errUnsupported() error {
	return fault.New(fault.Invalid, "hsm.unsupported",
		"このプログラムは PKCS #11 なしでビルドされています。「make build-hsm」(イメージは target programs-hsm) のものを使ってください。",
		"This program was built without PKCS #11. Use the one of \"make build-hsm\", or the image of target programs-hsm.")
}
