package order

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
)

const (
	maxLocal  = 64  // RFC 5321 4.5.3.1.1
	maxDomain = 253 // RFC 1035 2.3.4, as text without the trailing dot
	maxLabel  = 63
	maxEmail  = 254 // RFC 5321 4.5.3.1.3 without the angle brackets; RFC 5280 allows 255
)

// dotAtom is the local part that every mail system takes (RFC 5322 3.2.3); no quoted strings, no SMTPUTF8.
var dotAtom = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// numeric is a last label that URL parsers read as the end of an IPv4 address.
var numeric = regexp.MustCompile(`^([0-9]+|0x[0-9a-f]*)$`)

// Mailbox is an e-mail address in its normal form.
type Mailbox struct {
	Local  string // as entered: only the receiving server knows whether case matters
	Domain string // A-labels, lower case
}

// String returns the address.
func (m Mailbox) String() string { return m.Local + "@" + m.Domain }

// ParseMailbox reads an e-mail address. Full-width characters are taken for plain ones and internationalised domains become A-labels
// (RFC 5891). The error is an invalid-fields fault whose field is "email".
func ParseMailbox(s string) (Mailbox, error) {
	m, f := mailbox("email", s)
	if f != nil {
		return Mailbox{}, fault.InvalidFields([]fault.Field{*f})
	}
	return m, nil
}

func mailbox(path, s string) (Mailbox, *fault.Field) {
	if len(s) > maxRaw {
		return Mailbox{}, emailTooLong(path)
	}
	s = strings.TrimSpace(width.Fold.String(s))
	if s == "" {
		return Mailbox{}, required(path)
	}
	local, host, ok := strings.Cut(s, "@")
	if strings.ContainsAny(s, "\r\n") || strings.ContainsFunc(host, unicode.IsSpace) {
		return Mailbox{}, brokenEmail(path)
	}
	if !ok || !dotAtom.MatchString(local) {
		return Mailbox{}, wrongEmail(path)
	}
	domain, f := mailDomain(path, host)
	if f != nil {
		return Mailbox{}, f
	}
	m := Mailbox{Local: local, Domain: domain}
	if len(local) > maxLocal || len(m.String()) > maxEmail {
		return Mailbox{}, emailTooLong(path)
	}
	return m, nil
}

// mailDomain returns the A-labels of a domain that somebody can own: below a public suffix, not the suffix itself, no address.
func mailDomain(path, host string) (string, *fault.Field) {
	if strings.HasPrefix(host, "[") || isAddress(host) {
		return "", addressLiteral(path)
	}
	domain, err := idna.Lookup.ToASCII(host)
	if err != nil || !wellFormed(domain) {
		return "", wrongDomain(path)
	}
	shown, err := idna.Lookup.ToUnicode(domain)
	if err != nil {
		return "", wrongDomain(path)
	}
	for label := range strings.SplitSeq(shown, ".") {
		if mixesScripts(label) {
			return "", lookalike(path)
		}
	}
	labels := strings.Split(domain, ".")
	switch {
	case numeric.MatchString(labels[len(labels)-1]):
		return "", addressLiteral(path)
	case len(labels) == 1:
		return "", wrongDomain(path)
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(domain); err != nil {
		return "", publicSuffix(path)
	}
	return domain, nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// wellFormed holds what idna leaves open: lengths and empty labels, the trailing dot among them.
func wellFormed(domain string) bool {
	if len(domain) > maxDomain {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
	}
	return true
}

// mixesScripts reports whether a label mixes scripts otherwise than Japanese does: Latin with Han and kana is usual, Latin with Cyrillic
// or Greek imitates another name. A label wholly in another script is somebody's own language.
func mixesScripts(label string) bool {
	var japaneseOrLatin bool
	var other string
	for _, c := range label {
		switch script := scriptOf(c); {
		case script == "":
		case script == "Japanese or Latin":
			japaneseOrLatin = true
		case other != "" && other != script:
			return true
		default:
			other = script
		}
	}
	return japaneseOrLatin && other != ""
}

// scriptOf returns the script of a letter, "" for characters that every script shares.
func scriptOf(c rune) string {
	if unicode.In(c, unicode.Common, unicode.Inherited) {
		return ""
	}
	if unicode.In(c, unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana) {
		return "Japanese or Latin"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, c) {
			return name
		}
	}
	return "unknown"
}

func wrongEmail(path string) *fault.Field {
	f := field(path, "email", "「名前@ドメイン」の形で、@の前は半角英数字と一般的な記号です。", "An e-mail address is name@domain, with plain letters, digits and common marks before the @.",
		"例) info@example.jp", "Enter it as in info@example.jp.")
	return &f
}

func brokenEmail(path string) *fault.Field {
	f := field(path, "email.blank", "Eメールアドレスの途中に改行や空白は使えません。", "An e-mail address has no line breaks or blanks in it.",
		"アドレスを1つだけ、1行で入力してください。", "Enter one address, on one line.")
	return &f
}

func emailTooLong(path string) *fault.Field {
	f := field(path, "length", "Eメールアドレスは254文字以内、@の前は64文字以内です。", "An e-mail address has at most 254 characters, 64 of them before the @.",
		"短いアドレスを入力してください。", "Enter a shorter address.")
	return &f
}

func wrongDomain(path string) *fault.Field {
	f := field(path, "email.domain", "@の後はドメイン名でなければなりません (末尾の「.」は不可)。", "What follows the @ must be a domain name without a trailing dot.",
		"例) info@example.jp", "Enter it as in info@example.jp.")
	return &f
}

func addressLiteral(path string) *fault.Field {
	f := field(path, "email.domain", "IPアドレスは使えません。", "An IP address cannot be used.", "ドメイン名のアドレスを入力してください。", "Enter an address with a domain name.")
	return &f
}

func publicSuffix(path string) *fault.Field {
	f := field(path, "email.public-suffix", "「co.jp」のような共用のドメインそのものは使えません。", "A shared suffix such as co.jp is nobody's own domain.",
		"組織のドメイン名を含むアドレスを入力してください。", "Enter an address under your organisation's domain.")
	return &f
}

func lookalike(path string) *fault.Field {
	f := field(path, "email.lookalike", "似た形の別の文字を混ぜたドメイン名は使えません。", "A domain label that mixes look-alike scripts is refused.",
		"ドメイン名をキーボードから入力し直してください。", "Type the domain name by hand.")
	return &f
}
