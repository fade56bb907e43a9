package lint

import (
	"crypto/rsa"
	"math/big"
)

// closePrimes: no modulus that Fermat's method factors in 100 rounds. It stands for zlint's e_rsa_fermat_factorization, which asks for
// the same but takes a full square root in each round, and with that longer than all other lints together.
func closePrimes() certificateLint {
	return certificateLint{
		name: "mailid_close_primes", citation: "SBR 6.1.1.3; TLS BR 6.1.1.3(5)", effective: baselineRequirements(),
		check: func(in input) string {
			if key, ok := in.cert.PublicKey.(*rsa.PublicKey); ok && fermatFactors(key.N, 100) {
				return "the RSA modulus can be factored, its primes are too close"
			}
			return ""
		},
	}
}

// fermatFactors looks for a ≥ √n with a² − n a square, for the given number of a.
func fermatFactors(n *big.Int, rounds int) bool {
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	rest := new(big.Int).Mul(a, a)
	rest.Sub(rest, n)
	step := new(big.Int).Lsh(a, 1) // (a+1)² − a² = 2a + 1, so no round multiplies
	step.Add(step, big.NewInt(1))
	root, square, two := new(big.Int), new(big.Int), big.NewInt(2)
	for range rounds {
		if maybeSquare(rest) {
			if square.Mul(root.Sqrt(rest), root); square.Cmp(rest) == 0 {
				return true
			}
		}
		rest.Add(rest, step)
		step.Add(step, two)
	}
	return false
}

// maybeSquare is false only for numbers that are no square: a square leaves one of 12 remainders modulo 64 and, over the small
// primes, one of about half, which sorts out 99 in 100.
func maybeSquare(n *big.Int) bool {
	if n.Sign() == 0 {
		return true
	}
	switch n.Bits()[0] & 63 {
	case 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49, 57:
	default:
		return false
	}
	const product = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23
	rest := new(big.Int).Mod(n, big.NewInt(product)).Int64()
	for _, p := range []int64{3, 5, 7, 11, 13, 17, 19, 23} {
		if !residue(rest%p, p) {
			return false
		}
	}
	return true
}

// residue reports whether r is a square modulo the small prime p.
func residue(r, p int64) bool {
	for x := int64(0); x <= p/2; x++ {
		if x*x%p == r {
			return true
		}
	}
	return false
}
