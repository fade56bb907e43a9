// Package mail renders the letters of orders into mails, text and HTML, in Japanese and English, and hands them to an SMTP
// server. Everything that names a company is a setting (Brand); the program does not start without it.
package mail

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Config is what a Mailer needs.
type Config struct {
	Brand    Brand
	SMTP     SMTP
	Calendar *calendar.Calendar // for "within one business day" (G15); nil: no company days off
	Clock    func() time.Time   // for the Date header
}

// SMTP is the server that takes our mail.
type SMTP struct {
	Host     string         `env:"HOST"`
	Port     int            `env:"PORT"`
	StartTLS StartTLS       `env:"STARTTLS"` // empty: mandatory
	Username string         `env:"USERNAME"` // empty: no authentication
	Password string         `env:"PASSWORD"`
	Timeout  time.Duration  `env:"TIMEOUT"` // of connecting, and again of handing over one mail; 0: one minute
	HELO     string         `env:"HELO"`    // our name; empty: the machine's
	RootCAs  *x509.CertPool `env:"-"`       // nil: the machine's
}

// StartTLS says how much encryption is asked of the server. The server's certificate is always verified.
type StartTLS string

const (
	Mandatory     StartTLS = "mandatory"     // no mail without it
	Opportunistic StartTLS = "opportunistic" // where the server offers it
	None          StartTLS = "none"          // a relay on the same machine; no password then
)

// Mailer sends letters. It is safe for concurrent use.
type Mailer struct {
	renderer *Renderer
	brand    Brand
	smtp     SMTP
	clock    func() time.Time
}

// New checks the configuration and reads the templates. The fault for an unusable setting names it.
func New(c Config) (*Mailer, error) {
	s, err := c.SMTP.checked()
	if err != nil {
		return nil, err
	}
	days := c.Calendar
	if days == nil {
		if days, err = calendar.New(); err != nil {
			return nil, err
		}
	}
	r, err := NewRenderer(c.Brand, days)
	if err != nil {
		return nil, err
	}
	return &Mailer{renderer: r, brand: c.Brand, smtp: s, clock: c.Clock}, nil
}

// checked returns the settings with their defaults, or a fault that names the unusable ones.
func (s SMTP) checked() (SMTP, error) {
	var broken []fault.Field
	if s.Host == "" {
		broken = append(broken, setting("smtp.host", "required", "設定されていません。", "is not set.", "値を設定してください。", "Set it."))
	}
	if s.Port < 1 || s.Port > 65535 {
		broken = append(broken, setting("smtp.port", "range", "ポート番号ではありません。", "is no port.", "1 から 65535 の値を設定してください。", "Set a number from 1 to 65535."))
	}
	switch s.StartTLS {
	case "":
		s.StartTLS = Mandatory
	case Mandatory, Opportunistic:
	case None:
		if s.Username != "" {
			broken = append(broken, setting("smtp.starttls", "password", "パスワードを暗号化せずに送ることはできません。", "would send the password unencrypted.", "mandatory を設定してください。", "Set mandatory."))
		}
	default:
		broken = append(broken, setting("smtp.starttls", "unknown", "値が正しくありません。", "has no such value.", "mandatory、opportunistic、none のいずれかを設定してください。", "Set mandatory, opportunistic or none."))
	}
	if s.Timeout <= 0 {
		s.Timeout = time.Minute
	}
	return s, fault.InvalidFields(broken)
}

// Send renders the letter and hands it to the SMTP server. reply is the server's answer, fit to be shown to staff. A fault
// of kind Invalid (code mail.refused, mail.address) says that trying again cannot help: the server refuses this recipient or this
// content for good. Everything else that goes wrong outside is Unavailable: also a refusal of ourselves, such as a wrong
// password, since an operator can mend it. A repeated letter has the same Message-ID.
func (m *Mailer) Send(ctx context.Context, l order.Letter) (string, error) {
	to, err := recipient(l.Recipient)
	if err != nil {
		return "", err
	}
	msg, from, err := m.compose(l, to)
	if err != nil {
		return "", err
	}
	return m.deliver(ctx, from, to, msg)
}

// compose builds the message and returns it with the sender of the envelope.
func (m *Mailer) compose(l order.Letter, to string) (*gomail.Msg, string, error) {
	r, err := m.renderer.Render(l)
	if err != nil {
		return nil, "", err
	}
	from, err := mail.ParseAddress(r.From)
	if err != nil {
		return nil, "", fmt.Errorf("mail: sender: %w", err)
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(encoding(r.Text)), gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(from.Name, from.Address); err != nil {
		return nil, "", fmt.Errorf("mail: sender: %w", err)
	}
	if err := msg.To(to); err != nil {
		return nil, "", unusable()
	}
	if m.brand.ReplyTo != "" && l.Kind != order.LetterDomainApproval {
		if err := msg.ReplyTo(m.brand.ReplyTo); err != nil {
			return nil, "", fmt.Errorf("mail: reply to: %w", err)
		}
	}
	msg.Subject(r.Subject)
	msg.SetMessageIDWithValue(localPart(l.ID) + "@" + m.brand.MessageIDDomain)
	msg.SetDateWithValue(m.clock().In(calendar.JST()))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 5: no out-of-office answers
	msg.SetBodyString(gomail.TypeTextPlain, canonical(r.Text))
	msg.AddAlternativeString(gomail.TypeTextHTML, canonical(r.HTML))
	return msg, from.Address, furnish(msg, r)
}

// furnish adds what only some kinds of letters have: a calendar entry, and the way for a mail program to end such mails with one click.
func furnish(msg *gomail.Msg, r Rendered) error {
	if r.StopLink != "" {
		msg.SetGenHeader("List-Unsubscribe", "<"+r.StopLink+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058 3.1
	}
	if r.Calendar == "" {
		return nil
	}
	return msg.AttachReader("certificate-expiry.ics", strings.NewReader(r.Calendar),
		gomail.WithFileContentType("text/calendar; charset=utf-8; method=PUBLISH"))
}

// encoding is base64 where most of the text is not ASCII, and quoted-printable, which stays legible, elsewhere.
func encoding(text string) gomail.Encoding {
	ascii := 0
	for i := range len(text) {
		if text[i] < 0x80 {
			ascii++
		}
	}
	if ascii*6 < len(text)*5 {
		return gomail.EncodingB64
	}
	return gomail.EncodingQP
}

// canonical ends lines as mail does (RFC 2046 4.1.1), also inside base64.
func canonical(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// localPart keeps of a letter's id what is safe in a Message-ID (RFC 5322 3.6.4).
func localPart(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, id)
}

// recipient returns the address as SMTP carries it: nothing but an address, its domain in ASCII.
func recipient(addr string) (string, error) {
	at := strings.LastIndexByte(addr, '@')
	if at < 1 {
		return "", unusable()
	}
	domain, err := idna.Lookup.ToASCII(addr[at+1:])
	if err != nil {
		return "", unusable()
	}
	ascii := addr[:at+1] + domain
	if p, err := mail.ParseAddress(ascii); err != nil || p.Address != ascii || p.Name != "" || line(ascii, maxLine) != ascii {
		return "", unusable()
	}
	return ascii, nil
}

func unusable() error {
	return fault.New(fault.Invalid, "mail.address", "宛先のメールアドレスが正しくありません。", "The recipient's address cannot be used.")
}
