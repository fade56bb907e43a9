package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"securemailid.example/internal/fault"
)

// stage is where in the conversation with the server something went wrong.
type stage string

const (
	connecting stage = "connect"   // TCP, greeting, STARTTLS, AUTH
	sender     stage = "sender"    // MAIL FROM: us
	receiver   stage = "recipient" // RCPT TO
	content    stage = "content"   // DATA
)

// deliver hands one message over. The server's answer to the content decides; whether it says goodbye nicely does not matter.
func (m *Mailer) deliver(ctx context.Context, from, to string, msg io.WriterTo) (string, error) {
	line, session, err := m.connect(ctx)
	defer line.hangUp()
	if err != nil {
		return failed(ctx, connecting, err)
	}
	if err := errors.Join(session.UpdateDeadline(m.smtp.Timeout), session.Mail("<"+from+">")); err != nil {
		return failed(ctx, sender, err)
	}
	if err := session.Rcpt("<" + to + ">"); err != nil {
		return failed(ctx, receiver, err)
	}
	answer, err := transmit(session, msg)
	if err != nil {
		return failed(ctx, content, err)
	}
	_ = session.Quit()
	return reply("250 " + answer), nil
}

// transmit sends the content and returns what the server says to it.
func transmit(session *smtp.Client, msg io.WriterTo) (string, error) {
	w, err := session.Data()
	if err != nil {
		return "", err
	}
	if _, err := msg.WriteTo(w); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	if d, ok := w.(*smtp.DataCloser); ok {
		return d.ServerResponse(), nil
	}
	return "", nil
}

// connection is the network connection below a session, so that it can be cut when the context ends and is closed whatever
// fails: the library leaves it open when a handshake does.
type connection struct {
	conn   net.Conn
	unhook func() bool
}

func (c *connection) hangUp() {
	if c.conn != nil {
		c.unhook()
		_ = c.conn.Close()
	}
}

// connect opens a session that is ready for mail: encrypted and authenticated as configured.
func (m *Mailer) connect(ctx context.Context) (*connection, *smtp.Client, error) {
	c := &connection{}
	dial := func(dialCtx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialCtx, network, addr)
		if err == nil {
			c.conn, c.unhook = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
	client, err := gomail.NewClient(m.smtp.Host, m.options(dial)...)
	if err != nil {
		return c, nil, err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	return c, session, err
}

// options translates the settings for the library.
func (m *Mailer) options(dial gomail.DialContextFunc) []gomail.Option {
	policy := map[StartTLS]gomail.TLSPolicy{Mandatory: gomail.TLSMandatory, Opportunistic: gomail.TLSOpportunistic, None: gomail.NoTLS}
	out := []gomail.Option{
		gomail.WithPort(m.smtp.Port), gomail.WithTimeout(m.smtp.Timeout), gomail.WithDialContextFunc(dial), gomail.WithoutSMTPUTF8(),
		gomail.WithTLSPolicy(policy[m.smtp.StartTLS]),
		gomail.WithTLSConfig(&tls.Config{ServerName: m.smtp.Host, RootCAs: m.smtp.RootCAs, MinVersion: tls.VersionTLS12}),
	}
	if m.smtp.HELO != "" {
		out = append(out, gomail.WithHELO(m.smtp.HELO))
	}
	if m.smtp.Username != "" { // discovery never chooses a mechanism that shows the password to a listener
		out = append(out, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.smtp.Username), gomail.WithPassword(m.smtp.Password))
	}
	return out
}

// failed judges an error and returns the server's answer, if it gave one, with the fault.
func failed(ctx context.Context, at stage, err error) (string, error) {
	answer := ""
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		answer = reply(fmt.Sprintf("%d %s", e.Code, e.Msg))
		if permanent(at, e.Code) {
			return answer, fault.New(fault.Invalid, "mail.refused",
				"宛先のメールサーバに拒否されました: "+answer, "The recipient's mail server refused the mail: "+answer).Because(&cause{at: at, err: err})
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return answer, fault.New(fault.Unavailable, "mail.unavailable",
		"メールサーバにメールを渡せませんでした。 "+answer, "The mail server did not take the mail. "+answer).Because(&cause{at: at, err: err})
}

// permanent reports whether a code means that the same mail will never be taken. A 5xx before RCPT speaks of us, and so
// do the codes of authentication (RFC 4954 6) and of a wrong sequence, whenever they come.
func permanent(at stage, code int) bool {
	if at != receiver && at != content {
		return false
	}
	switch code {
	case 502, 503, 530, 534, 535, 538:
		return false
	default:
		return code/100 == 5
	}
}

// cause is an error for the log: servers repeat the recipient's address, which does not belong there.
type cause struct {
	at  stage
	err error
}

// Error is the error's text without addresses.
func (c *cause) Error() string { return fmt.Sprintf("smtp %s: %s", c.at, reply(c.err.Error())) }

// Unwrap returns the error as it was.
func (c *cause) Unwrap() error { return c.err }
