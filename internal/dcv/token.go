package dcv

import (
	"fmt"
	"io"

	"securemailid.example/internal/order"
)

// tokenAlphabet leaves out what people misread: 0 and o, 1, i and l.
const tokenAlphabet = "23456789abcdefghjkmnpqrstuvwxyz"

// tokenLength gives 32 × log2(31) = 158 bits, above the 112 of A7 and the 128 that we promise.
const tokenLength = 32

// NewToken draws the random value for a challenge of the given method from random, which is crypto/rand.Reader outside tests. The
// token of the CNAME method is the label to create and begins with an underscore (A10); those of TXT and file are plain. The
// e-mail method has none, since every approval link is its own random value.
func NewToken(method order.DCVMethod, random io.Reader) (string, error) {
	switch method {
	case order.DCVEmail:
		return "", nil
	case order.DCVFile, order.DCVTXT:
		return draw(random)
	case order.DCVCNAME:
		token, err := draw(random)
		return "_" + token, err
	default:
		return "", fmt.Errorf("dcv: no such method %q", method)
	}
}

// draw returns tokenLength uniformly distributed characters. A byte that would favour some characters is skipped; twice as many are
// read as are needed, so that running out means a broken source and not bad luck.
func draw(random io.Reader) (string, error) {
	var source [2 * tokenLength]byte
	if _, err := io.ReadFull(random, source[:]); err != nil {
		return "", fmt.Errorf("dcv: random source: %w", err)
	}
	const fair = 256 - 256%len(tokenAlphabet)
	token := make([]byte, 0, tokenLength)
	for _, b := range source {
		if int(b) < fair && len(token) < tokenLength {
			token = append(token, tokenAlphabet[int(b)%len(tokenAlphabet)])
		}
	}
	if len(token) < tokenLength {
		return "", fmt.Errorf("dcv: random source yields no usable bytes")
	}
	return string(token), nil
}
