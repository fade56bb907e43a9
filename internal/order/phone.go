package order

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
)

// hyphens are the marks that people type for one, the Japanese long-vowel mark among them.
const hyphens = "-‐‑‒–—―−ー"

// phoneShape is a Japanese number in national or international form: nine digits after the 0 or +81, ten for mobile, IP and
// the longer toll-free numbers. Short numbers such as 110 and 119 have no 0 in front and do not fit.
var phoneShape = regexp.MustCompile(`^(?:\+810?|0)([1-9][0-9]{8}|[1-9]0[0-9]{8})$`)

// premium numbers cost the caller: Dial Q2 and navigation dial.
var premium = []string{"990", "570"}

// phoneDigits returns the national digits without the leading 0 of a number that has the shape of a Japanese one.
func phoneDigits(s string) (string, bool) {
	if len(s) > maxRaw {
		return "", false
	}
	compact := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || strings.ContainsRune(hyphens+"()", c) {
			return -1
		}
		return c
	}, width.Fold.String(s))
	m := phoneShape.FindStringSubmatch(compact)
	if m == nil {
		return "", false
	}
	isPremium := slices.ContainsFunc(premium, func(p string) bool { return strings.HasPrefix(m[1], p) })
	return m[1], !isPremium
}

// JapanesePhone returns a Japanese telephone number in E.164, such as +81312345678. It takes full-width digits, hyphens, brackets
// and blanks, with 0 or +81 in front. The error is an invalid-fields fault whose field is "telephone"; emergency, premium and unassigned
// numbers are refused. The numbering plan comes with the library and changes with it, so workflow code must not call this.
func JapanesePhone(s string) (string, error) {
	number, f := japanesePhone("telephone", s)
	if f != nil {
		return "", fault.InvalidFields([]fault.Field{*f})
	}
	return number, nil
}

// NationalPhone returns a number of JapanesePhone as people in Japan write it, such as 03-1234-5678; what is no number stays as it is.
func NationalPhone(e164 string) string {
	number, err := phonenumbers.Parse(e164, Country)
	if err != nil {
		return e164
	}
	return phonenumbers.Format(number, phonenumbers.NATIONAL)
}

func japanesePhone(path, s string) (string, *fault.Field) {
	if strings.TrimSpace(s) == "" {
		return "", required(path)
	}
	digits, ok := phoneDigits(s)
	if !ok {
		return "", wrongPhone(path)
	}
	number, err := phonenumbers.Parse("+81"+digits, Country)
	if err != nil || !phonenumbers.IsValidNumberForRegion(number, Country) || !callable(number) {
		return "", wrongPhone(path)
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}

// SamePhoneStep reports whether two commands record the same phone step with the same content, whoever sent them and however the
// telephone numbers are written.
func SamePhoneStep(a, b Command) bool {
	a, b = bare(a), bare(b)
	return a != nil && a == b
}

// bare returns what a phone step says without who said it, and nil for any other command.
func bare(c Command) Command {
	plain := func(number string) string {
		if digits, ok := phoneDigits(number); ok {
			return digits
		}
		return number
	}
	switch c := c.(type) {
	case PhoneNumberVerified:
		c.Actor, c.Number, c.Reference = Actor{}, plain(c.Number), CleanText(c.Reference)
		return c
	case RepresentativeReached:
		c.Actor, c.ContactNumber, c.Note = Actor{}, plain(c.ContactNumber), CleanText(c.Note)
		return c
	case RepresentativeConfirmed:
		c.Actor, c.Note = Actor{}, CleanText(c.Note)
		return c
	default:
		return nil
	}
}

// callable reports whether a person can be asked for at the number.
func callable(n *phonenumbers.PhoneNumber) bool {
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.TOLL_FREE, phonenumbers.VOIP:
		return true
	default:
		return false
	}
}

func wrongPhone(path string) *fault.Field {
	f := field(path, "telephone", "日本国内で通話できる電話番号です (緊急通報・有料番号・内線を除く)。",
		"A Japanese telephone number that can be called; no emergency, premium or extension numbers.",
		"市外局番から入力してください。例) 03-1234-5678", "Enter it with its area code, as in 03-1234-5678.")
	return &f
}
