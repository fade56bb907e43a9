package mail

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// columns is the width of a text mail; a Japanese character takes two.
const columns = 72

// wrap breaks s into lines of at most the mail's width by the rules of Unicode (UAX #14), which for Japanese keep 。 and 」
// from the start of a line. Nothing is broken inside an address or another run of ASCII. Every line but the first begins with
// indent, which first fills on the first.
func wrap(s, first, indent string) string {
	var out strings.Builder
	out.WriteString(first)
	used := uniseg.StringWidth(first)
	for i, w := range words(s) {
		width := uniseg.StringWidth(strings.TrimRight(w, " "))
		if i > 0 && used+width > columns {
			out.WriteString("\n" + indent)
			used = uniseg.StringWidth(indent)
		}
		out.WriteString(w)
		used += uniseg.StringWidth(w)
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// words cuts s where a line may end.
func words(s string) []string {
	var out []string
	for state := -1; s != ""; {
		var w string
		w, s, _, state = uniseg.FirstLineSegmentInString(s, state)
		if n := len(out); n > 0 && insideASCII(out[n-1], w) {
			out[n-1] += w
			continue
		}
		out = append(out, w)
	}
	return out
}

// insideASCII reports whether the place between a and b lies within a run of ASCII without spaces.
func insideASCII(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	next, _ := utf8.DecodeRuneInString(b)
	return last > ' ' && last < utf8.RuneSelf && next < utf8.RuneSelf
}

// quoted wraps each line of s behind "> ".
func quoted(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = wrap(l, "> ", "> ")
	}
	return strings.Join(lines, "\n")
}
