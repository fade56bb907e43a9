package cli

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// columns measures as terminals draw: East Asian wide characters take two columns. It does not look at the locale, since this
// package prints no character whose width depends on it.
var columns = &runewidth.Condition{StrictEmojiNeutral: true}

// Plain makes text from elsewhere, such as a mail server's reply, fit for a terminal: what is not printable becomes a blank, so
// that no escape sequence gets through.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// Width returns the columns that s takes on a terminal.
func Width(s string) int { return columns.StringWidth(stripSGR(s)) }

// Pad fills s with blanks up to the given columns.
func Pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-Width(s)))
}

// Shorten cuts s, which holds no colours, to the given columns, with ".." in place of what is missing.
func Shorten(s string, width int) string { return columns.Truncate(s, width, "..") }

// Wrap breaks s, which holds no colours, into lines of at most the given columns: after a blank where there is one, between
// characters where there is none, as in Japanese.
func Wrap(s string, width int) []string {
	var lines []string
	line, used, blank := "", 0, 0 // blank: bytes of the line up to its last blank
	for _, r := range s {
		w := columns.RuneWidth(r)
		for used+w > width && line != "" {
			keep := blank
			if keep == 0 || r == ' ' {
				keep = len(line)
			}
			lines = append(lines, line[:keep])
			line = line[keep:]
			used, blank = Width(line), 0
		}
		line += string(r)
		used += w
		if r == ' ' {
			blank = len(line)
		}
	}
	return append(lines, line)
}

// stripSGR removes the colours that Screen adds.
func stripSGR(s string) string {
	for {
		start := strings.Index(s, "\x1b[")
		if start < 0 {
			return s
		}
		end := strings.IndexByte(s[start:], 'm')
		if end < 0 {
			return s
		}
		s = s[:start] + s[start+end+1:]
	}
}
