package mail

import (
	"regexp"
	"strings"
	"unicode"

	"securemailid.example/internal/order"
)

// Lengths, in characters, beyond which a fact is cut: what a form accepts is far shorter.
const (
	maxLine = 1000
	maxText = 10000
)

// line makes s fit for a header or one line of a mail: line breaks become spaces; control characters, the controls that turn
// the direction of text, zero-width characters and everything else that cannot be seen are left out.
func line(s string, limit int) string {
	return strings.TrimSpace(cut(strings.Map(visible, strings.ToValidUTF8(s, "\ufffd")), limit))
}

// text is line for several lines.
func text(s string, limit int) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(cut(s, limit), "\n")
	for i, l := range lines {
		lines[i] = line(l, limit)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// name is line for what a stranger calls himself: it cannot carry a link into our mail. Organisations are called Example.com K.K., so
// such a name is written otherwise rather than refused; hidden characters that keep programs from making a link are none that
// readers could see or copy.
func name(s string) string { return order.Unlinked(line(s, maxLine)) }

// visible maps a character to itself, to a space or to nothing.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r) || unicode.In(r, unicode.Z):
		if r == '\u3000' {
			return r // the Japanese space is seen
		}
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
		return -1
	default:
		return r
	}
}

// cut shortens s to at most limit characters.
func cut(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// cleaned returns the facts fit for any part of a mail. They come from forms, staff and the network.
func cleaned(f order.Facts) order.Facts {
	for _, s := range []*string{
		&f.Number, &f.CertificateEmail, &f.Domain, &f.RecordName, &f.RecordValue, &f.FileURL, &f.FileContent, &f.Link, &f.StatusLink, &f.StopLink,
		&f.Serial, &f.RevocationReason, &f.Request, &f.Original,
	} {
		*s = line(*s, maxLine)
	}
	f.Organization, f.ContactName = name(f.Organization), name(f.ContactName)
	f.Other.Organization, f.Other.ContactName = name(f.Other.Organization), name(f.Other.ContactName)
	f.Question, f.Reason = text(f.Question, maxText), text(f.Reason, maxText)
	corrections := make([]order.Correction, 0, len(f.Corrections))
	for _, c := range f.Corrections {
		corrections = append(corrections, order.Correction{Field: c.Field, Entered: name(c.Entered), Certified: name(c.Certified)})
	}
	f.Corrections = corrections
	awaited := make([]order.Awaited, 0, len(f.Awaited))
	for _, a := range f.Awaited {
		a.Text.JA, a.Text.EN = line(a.Text.JA, maxLine), line(a.Text.EN, maxLine)
		awaited = append(awaited, a)
	}
	f.Awaited = awaited
	return f
}

// maxReply is how much is kept of what a mail server says, in characters.
const maxReply = 200

// Whatever a mail server could repeat of a person, and of the token of a link.
var (
	personal = regexp.MustCompile(`[^\s<>()"]+@[^\s<>()",;]+`)
	tokens   = regexp.MustCompile(`[A-Za-z0-9_-]{32,}`)
)

// reply makes a server's answer fit to be stored and shown to staff: one line, shortened, without addresses of persons and
// without what could be the token of a link.
func reply(s string) string {
	s = personal.ReplaceAllString(line(s, maxLine), "[address]")
	return cut(tokens.ReplaceAllString(s, "[…]"), maxReply)
}
