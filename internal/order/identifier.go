package order

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
)

const (
	corporateDigits = 13 // 法人番号, corporate number of the National Tax Agency
	registerDigits  = 12 // 会社法人等番号, company registration number: the last 12 digits of a registered company's corporate number
)

// CorporateNumberValid reports whether s is 13 digits whose first is the right check digit: 9 - (Σ Pn·Qn mod 9), where Pn is the
// n-th of the last 12 digits from the right and Qn is 1 for odd n, 2 for even (rules E). It cannot tell 0 from 9.
func CorporateNumberValid(s string) bool {
	if len(s) != corporateDigits || strings.Trim(s, "0123456789") != "" {
		return false
	}
	sum := 0
	for n := 1; n <= registerDigits; n++ {
		sum += int(s[corporateDigits-n]-'0') * (2 - n%2)
	}
	return int(s[0]-'0') == 9-sum%9
}

// identifier returns the normal form of the registration number: under a policy that certifies it the complete
// organizationIdentifier, such as NTRJP-012345678901, else the digits alone.
func identifier(path, s string, l Limits) (string, *fault.Field) {
	digits := compactDigits(s)
	digits = strings.TrimPrefix(digits, l.IdentifierScheme)
	switch {
	case digits == "" && l.Identifier:
		return "", required(path)
	case digits == "":
		return "", nil
	case !CorporateNumberValid(digits) && !isRegisterNumber(digits):
		return "", wrongIdentifier(path)
	case !l.Identifier:
		return digits, nil
	}
	return certified(path, digits, l.IdentifierScheme)
}

// certified puts the number under its scheme (rules E): NTR takes the company registration number, VAT the corporate number.
func certified(path, digits, scheme string) (string, *fault.Field) {
	switch {
	case strings.HasPrefix(scheme, "NTR"):
		return scheme + "-" + digits[len(digits)-registerDigits:], nil
	case len(digits) == corporateDigits:
		return scheme + "-" + digits, nil
	default:
		return "", wrongIdentifier(path)
	}
}

func isRegisterNumber(s string) bool {
	return len(s) == registerDigits && strings.Trim(s, "0123456789") == "" && strings.Trim(s, "0") != ""
}

// compactDigits narrows s and drops blanks and hyphens.
func compactDigits(s string) string {
	if len(s) > maxRaw {
		return s
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || strings.ContainsRune(hyphens, c) {
			return -1
		}
		return c
	}, width.Fold.String(s))
}

// postalCode returns the normal form 123-4567.
func postalCode(path, s string) (string, *fault.Field) {
	digits := strings.TrimPrefix(compactDigits(s), "〒")
	switch {
	case digits == "":
		return "", required(path)
	case len(digits) != 7, strings.Trim(digits, "0123456789") != "", strings.HasPrefix(digits, "000"):
		f := field(path, "postal-code", "郵便番号は7桁です。", "A Japanese postal code has 7 digits.", "例) 101-0066", "Enter it as in 101-0066.")
		return "", &f
	}
	return digits[:3] + "-" + digits[3:], nil
}

func wrongIdentifier(path string) *fault.Field {
	f := field(path, "identifier", "13桁の法人番号 (検査数字が正しいもの) または12桁の会社法人等番号です。",
		"A corporate number of 13 digits with its check digit, or a company registration number of 12 digits.",
		"国税庁の法人番号公表サイトで番号を確認してください。", "Look the number up on the National Tax Agency's corporate number site.")
	return &f
}
