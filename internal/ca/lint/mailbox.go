package lint

import (
	"bytes"
	"net/mail"
	"strings"
)

// Context tags among general names (RFC 5280 4.2.1.6).
const (
	otherNameTag  = 0
	rfc822NameTag = 1
)

// smtpUTF8Mailbox is id-on-SmtpUTF8Mailbox, encoded (RFC 9598 3).
func smtpUTF8Mailbox() []byte {
	return []byte{0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09}
}

// mailbox: the subjectAltName holds exactly one name, an rfc822Name of ASCII with the domain in lower-case A-labels (RFC 9598
// 4, G7).
func mailbox() certificateLint {
	return certificateLint{
		name: "mailid_one_mailbox", citation: "SBR 7.1.4.2.1; RFC 5280 4.2.1.6; G7", effective: baselineRequirements(),
		check: func(in input) string {
			value, _, _ := extension(in.cert, oidSubjectAltName)
			names, rest, ok := element(value)
			if !ok || len(rest) != 0 {
				return "subjectAltName cannot be read"
			}
			name, rest, ok := element(names.Bytes)
			switch {
			case ok && name.Class == 2 && name.Tag == otherNameTag && bytes.HasPrefix(name.Bytes, smtpUTF8Mailbox()):
				return "a SmtpUTF8Mailbox is for local parts beyond ASCII, which this product does not certify"
			case !ok || len(rest) != 0 || name.Class != 2 || name.Tag != rfc822NameTag:
				return "subjectAltName is not exactly one rfc822Name"
			}
			return mailboxProblem(string(name.Bytes))
		},
	}
}

func mailboxProblem(s string) string {
	at := strings.LastIndexByte(s, '@')
	parsed, err := mail.ParseAddress("<" + s + ">")
	switch {
	case at < 1 || err != nil || parsed.Address != s:
		return "the mailbox is not an e-mail address"
	case at > 64 || len(s) > 254:
		return "the mailbox is longer than mail allows" // RFC 5321 4.5.3.1
	case strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e || r < 0x21 }):
		return "the mailbox is not plain ASCII"
	case s[at:] != strings.ToLower(s[at:]) || !strings.Contains(s[at:], "."):
		return "the mailbox's domain is not a lower-case name with a dot"
	default:
		return ""
	}
}
