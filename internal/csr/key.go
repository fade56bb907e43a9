package csr

import (
	"crypto/rsa"
	"math/big"

	"github.com/titanous/rocacheck"
)

const (
	minBits = 2048 // G5; SBR 6.1.5
	maxBits = 8192 // beyond, a verification costs everybody too much

	minExponent = 1<<16 + 1 // SBR 6.1.6. The upper bound there is 2^256-1; crypto/x509 and crypto/rsa stop at 2^31-1.

	factorLimit  = 752 // SBR 6.1.6: no factor below
	fermatRounds = 100 // TLS BR 6.1.1.3(5)
)

// checkKey refuses keys of the wrong size and keys that somebody else can compute (SBR 6.1.1.3, 6.1.5, 6.1.6).
func checkKey(k *rsa.PublicKey) error {
	bits := k.N.BitLen()
	switch {
	case bits < minBits || bits > maxBits || bits%8 != 0:
		return wrongSize(bits)
	case k.E%2 == 0 || k.E < minExponent:
		return wrongExponent()
	case hasSmallFactor(k.N), fermatFactors(k.N), rocacheck.IsWeak(k):
		return weakKey()
	default:
		return nil
	}
}

// hasSmallFactor reports whether n is even or divisible by an odd number below the limit; trying composites as well is cheaper than sieving.
func hasSmallFactor(n *big.Int) bool {
	if n.Bit(0) == 0 {
		return true
	}
	var rest big.Int
	for d := int64(3); d < factorLimit; d += 2 {
		if rest.Mod(n, big.NewInt(d)).Sign() == 0 {
			return true
		}
	}
	return false
}

// fermatFactors reports whether n splits into two factors so close that Fermat's method finds them: n = a² - b² with a near √n.
func fermatFactors(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	var rest, root big.Int
	for range fermatRounds {
		rest.Sub(rest.Mul(a, a), n)
		root.Sqrt(&rest)
		if root.Mul(&root, &root).Cmp(&rest) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}
