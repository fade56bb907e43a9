package voucher

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
)

// MinKey is the least length of a hashing key, in bytes.
const MinKey = 32

// ErrShortKey is the error for a key below MinKey.
var ErrShortKey = errors.New("the voucher hashing key is shorter than 32 bytes")

// Hasher turns codes into what the record stores. A coupon has too few values for a bare hash: without the server's key a
// stolen table could be searched through; with HMAC it cannot.
type Hasher struct{ key []byte }

// NewHasher returns the hasher for a server key of at least MinKey bytes.
func NewHasher(key []byte) (Hasher, error) {
	if len(key) < MinKey {
		return Hasher{}, ErrShortKey
	}
	return Hasher{key: slices.Clone(key)}, nil
}

// Hash returns HMAC-SHA-256 of the code, 32 bytes.
func (h Hasher) Hash(c Code) []byte {
	m := hmac.New(sha256.New, h.key)
	m.Write([]byte(c.text))
	return m.Sum(nil)
}
