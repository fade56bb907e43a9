package voucher

import "strings"

// alphabet is Crockford's base 32: no I, L, O or U, which are easily misread.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// quasigroup is Damm's table of order 10 (H. M. Damm, Total anti-symmetrische Quasigruppen, 2004). Unlike Luhn it finds every
// wrong digit and every swap of neighbours.
var quasigroup = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// couponCheck returns the check digit for digits.
func couponCheck(digits string) byte {
	var state byte
	for i := range len(digits) {
		state = quasigroup[state][digits[i]-'0']
	}
	return '0' + state
}

// voucherCheck returns the check character that makes the code, read as a polynomial over GF(32), zero at the generator x. Every
// wrong character is found, and every swap of two characters but that of the first with the last.
func voucherCheck(body string) byte {
	var sum byte
	for i := range len(body) {
		sum = timesX(sum ^ byte(strings.IndexByte(alphabet, body[i])))
	}
	return alphabet[sum]
}

// timesX multiplies by x in GF(2)[x] / (x^5 + x^2 + 1), whose x is a generator.
func timesX(v byte) byte {
	v <<= 1
	if v&0b100000 != 0 {
		v ^= 0b100101
	}
	return v
}
