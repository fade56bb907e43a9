// Package secret makes the unguessable tokens of links and hashes them for storage.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Token returns 256 random bits as 43 URL-safe characters.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Hash returns what is stored of a token. A token has full entropy, so a plain SHA-256 cannot be reversed.
func Hash(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}
