package lint

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// subjectText: what is read is what is there. No blanks at the ends or two in a row, of any width, which zlint sees for ASCII only;
// nothing invisible, such as a zero-width joiner or a change of direction; and the one canonical spelling, because names are compared as
// bytes (RFC 5280 4.1.2.4 and 7.1).
func subjectText() certificateLint {
	return certificateLint{
		name: "mailid_subject_text", citation: "RFC 5280 4.1.2.4, 7.1; RFC 4518 2; SBR 7.1.4.2", effective: rfc5280(),
		check: func(in input) string {
			for _, a := range in.cert.Subject.Names {
				v, _ := a.Value.(string)
				switch {
				case !utf8.ValidString(v) || strings.ContainsFunc(v, invisible):
					return "a subject attribute has characters that cannot be seen"
				case strings.TrimFunc(v, unicode.IsSpace) != v || doubleSpace(v):
					return "a subject attribute has blanks around it or two in a row"
				case !norm.NFC.IsNormalString(v):
					return "a subject attribute is not in normal form C"
				}
			}
			return ""
		},
	}
}

// invisible holds for format characters, surrogates, private use and what stands for a broken character. Controls are
// subjectPlaceholder's.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Cs, unicode.Co, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

func doubleSpace(s string) bool {
	before := false
	for _, r := range s {
		space := unicode.IsSpace(r)
		if space && before {
			return true
		}
		before = space
	}
	return false
}
