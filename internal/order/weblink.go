package order

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// Unlinked returns s so that no mail program makes a link of a part of it: what joins a web or mail address stands in brackets, as in
// "example[.]com". A text that holds no address is returned as it is; "K.K.", "Co.,Ltd." and "Co.Ltd" are none.
func Unlinked(s string) string {
	plain := norm.NFKC.String(s) // mail programs read full-width letters and dots as plain ones
	out := linkJoints(plain)
	if out == plain {
		return s
	}
	return out
}

// linkJoints puts each joint of an address into brackets.
func linkJoints(s string) string {
	var out strings.Builder
	for i, c := range s {
		before, after := s[:i], s[i+utf8.RuneLen(c):]
		switch {
		case c == '@' && endsWord(before) && startsWord(after), isDot(c) && joinsHost(before, after):
			out.WriteString("[" + string(c) + "]")
		default:
			out.WriteRune(c)
		}
	}
	return scheme.ReplaceAllString(out.String(), "$1[://]")
}

// scheme is the end of an address's scheme that is not in brackets yet.
var scheme = regexp.MustCompile(`(^|[^\[])://`)

// isDot holds the ideographic full stop, too, which separates the labels of a domain name (RFC 3490 3.1).
func isDot(c rune) bool { return c == '.' || c == '。' }

// joinsHost reports whether a dot between two texts makes a host name of them: below a public suffix, or behind "www". Letters of other
// scripts around a name in ASCII end it, as in a Japanese sentence.
func joinsHost(before, after string) bool {
	if !endsWord(before) {
		return false
	}
	right := after[:len(after)-len(strings.TrimLeftFunc(after, isLabelRune))]
	ascii := right[:len(right)-len(strings.TrimLeftFunc(right, isASCIILabelRune))]
	if ascii != "" && strings.EqualFold(before[len(strings.TrimRightFunc(before, isASCIILabelRune)):], "www") {
		return true
	}
	if strings.EqualFold(ascii, "ltd") && legalForm.MatchString(before) {
		return false
	}
	return isPublic(ascii) || isPublic(right)
}

// legalForm ends what stands before the dot of "Co.Ltd". The suffix .ltd exists.
var legalForm = regexp.MustCompile(`(?i)(^|[^a-z0-9.-])co$`)

// isPublic reports whether names can be registered under a label. The label above it brings suffixes in of which only that is known.
func isPublic(label string) bool {
	name, err := idna.Lookup.ToASCII(strings.TrimRight(label, "-"))
	if err != nil || name == "" {
		return false
	}
	_, icann := publicsuffix.PublicSuffix("name." + name)
	return icann
}

func isLabelRune(c rune) bool { return c == '-' || unicode.In(c, unicode.L, unicode.M, unicode.N) }

func isASCIILabelRune(c rune) bool { return c < utf8.RuneSelf && isLabelRune(c) }

func endsWord(s string) bool {
	c, _ := utf8.DecodeLastRuneInString(s)
	return isLabelRune(c)
}

func startsWord(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return isLabelRune(c)
}

// Even a name that has a host name in it has no use for these: "www", a path, a mail address. As Unlinked writes them.
var linkText = regexp.MustCompile(`(?i)www\[[.。]\]|\[[.。]\][a-z0-9-]+/|\[@\].*\[[.。]\]`)

// isLink reports whether s is more than a name with a host name in it.
func isLink(s string) bool { return linkText.MatchString(Unlinked(s)) }

// holdsLink reports whether mail programs find something in s.
func holdsLink(s string) bool { return strings.ContainsAny(s, "@＠") || Unlinked(s) != s }
