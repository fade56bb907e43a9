package voucher

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"math/big"
)

const (
	couponLength  = 16 // G2
	voucherLength = 32 // G2
)

// Code is a well-formed code: right length, right characters, right check character. Only Normalize and Generate make one.
// Everything that prints it prints the masked form; Reveal alone returns the code.
type Code struct {
	kind Kind
	text string
}

// Kind returns the form of the code.
func (c Code) Kind() Kind { return c.kind }

// Reveal returns the code itself in its normal form: upper case, no separators.
func (c Code) Reveal() string { return c.text }

// String returns the masked form: dots and the last four characters, as in "••••4242".
func (c Code) String() string {
	if c.text == "" {
		return ""
	}
	return "••••" + c.text[len(c.text)-4:]
}

// GoString returns the masked form, so that %#v does not leak the code either.
func (c Code) GoString() string { return c.String() }

// LogValue returns the masked form.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Grouped returns the code in groups of four, as it is printed for people.
func (c Code) Grouped() string {
	out := make([]byte, 0, len(c.text)*5/4)
	for i := range len(c.text) {
		if i > 0 && i%4 == 0 {
			out = append(out, '-')
		}
		out = append(out, c.text[i])
	}
	return string(out)
}

// Generate draws a new code from random, which must be cryptographically secure: a coupon holds 10^15 values, a voucher code
// 2^155. Distinctness is the record's to check.
func Generate(kind Kind, random io.Reader) (Code, error) {
	switch kind {
	case Coupon:
		n, err := rand.Int(random, new(big.Int).Exp(big.NewInt(10), big.NewInt(couponLength-1), nil))
		if err != nil {
			return Code{}, fmt.Errorf("draw a coupon: %w", err)
		}
		body := fmt.Sprintf("%0*d", couponLength-1, n)
		return Code{Coupon, body + string(couponCheck(body))}, nil
	case VoucherCode:
		body := make([]byte, voucherLength-1)
		if _, err := io.ReadFull(random, body); err != nil {
			return Code{}, fmt.Errorf("draw a voucher code: %w", err)
		}
		for i, b := range body {
			body[i] = alphabet[b%32] // 256 is a multiple of 32: no bias
		}
		return Code{VoucherCode, string(body) + string(voucherCheck(string(body)))}, nil
	default:
		return Code{}, fmt.Errorf("draw a code: unknown kind %q", kind)
	}
}
