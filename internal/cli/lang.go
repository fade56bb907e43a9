package cli

import (
	"strings"

	"securemailid.example/internal/fault"
)

// Lang is the language that a command speaks.
type Lang string

const (
	Japanese Lang = "ja"
	English  Lang = "en"
	Both     Lang = "both" // Japanese first
)

// ParseLang reads the value of --lang.
func ParseLang(s string) (Lang, bool) {
	l := Lang(s)
	return l, l == Japanese || l == English || l == Both
}

// LangFrom takes the language from the locale (POSIX: LC_ALL, LC_MESSAGES, LANG); any other than Japanese and English is Both.
func LangFrom(getenv func(string) string) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		switch v := getenv(name); {
		case v == "":
			continue
		case strings.HasPrefix(v, "ja"):
			return Japanese
		case strings.HasPrefix(v, "en"):
			return English
		default:
			return Both
		}
	}
	return Both
}

// Of returns the text in the language.
func (l Lang) Of(t fault.Text) string { return l.Say(t.JA, t.EN) }

// Say returns the Japanese or the English text, or both on one line.
func (l Lang) Say(ja, en string) string {
	switch {
	case l == Japanese, ja == en:
		return ja
	case l == English:
		return en
	default:
		return ja + " / " + en
	}
}

// Lines returns the text, a line for each language, Japanese first.
func (l Lang) Lines(t fault.Text) []string {
	switch {
	case t.JA == "" && t.EN == "":
		return nil
	case l == Both && t.JA != t.EN:
		return []string{t.JA, t.EN}
	default:
		return []string{l.Of(t)}
	}
}
