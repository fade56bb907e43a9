package lint

import (
	"strings"
	"unicode"
)

// subjectPlaceholder: no "-", "." or blank to say that a field is not filled, and no control characters.
func subjectPlaceholder() certificateLint {
	return certificateLint{
		name: "mailid_subject_placeholder", citation: "SBR 7.1.4.2", effective: baselineRequirements(),
		check: func(in input) string {
			for _, a := range in.cert.Subject.Names {
				v, ok := a.Value.(string)
				switch {
				case !ok, strings.ContainsFunc(v, unicode.IsControl):
					return "a subject attribute is no printable text"
				case !strings.ContainsFunc(v, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }):
					return "a subject attribute says nothing"
				}
			}
			return ""
		},
	}
}
