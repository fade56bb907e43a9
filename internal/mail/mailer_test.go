package mail_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/mail"
	"securemailid.example/internal/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o mailbox.Options) *mailbox.Box {
	t.Helper()
	b, err := mailbox.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// sentAt is what the clock of these tests says.
var sentAt = time.Date(2026, 11, 20, 6, 0, 30, 0, time.UTC)

// mailer sends to addr without encryption, unless change says otherwise.
func mailer(t *testing.T, addr string, change func(*mail.Config)) *mail.Mailer {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	c := mail.Config{
		Brand: mail.GuideBrand(), Clock: func() time.Time { return sentAt },
		SMTP: mail.SMTP{Host: host, Port: n, StartTLS: mail.None, Timeout: 10 * time.Second},
	}
	if change != nil {
		change(&c)
	}
	m, err := mail.New(c)
	require.NoError(t, err)
	return m
}

func TestAMailArrivesAsItWasMeant(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Options{})
	m := mailer(t, box.SMTPAddr, func(c *mail.Config) { c.Brand = fullBrand() })
	r := renderer(t, true)
	for _, e := range examples() {
		reply, err := m.Send(t.Context(), letter(e, order.Japanese))
		require.NoError(t, err, e.name)
		require.Contains(t, reply, "250 ")
		all := box.Mails()
		got := all[len(all)-1]
		want, err := r.Render(letter(e, order.Japanese))
		require.NoError(t, err)
		require.Equal(t, want.Subject, got.Subject)
		require.Equal(t, address(t, want.From), address(t, got.From))
		require.Equal(t, want.HTML, strings.ReplaceAll(got.HTML, "\r\n", "\n"))
		require.Equal(t, want.Text, strings.ReplaceAll(got.Text, "\r\n", "\n"))
		require.Equal(t, []string{"tech@example.co.jp"}, got.To)
		require.Equal(t, "0198c6f2-0000-7000-8000-000000000001@digicert.com", got.MessageID)
		if link := e.facts.Link + e.facts.StatusLink; link != "" { // no example has both
			require.Contains(t, got.Links, link)
		}
		head, err := netmail.ReadMessage(bytes.NewReader(got.Raw))
		require.NoError(t, err)
		date, err := head.Header.Date()
		require.NoError(t, err)
		require.True(t, sentAt.Equal(date))
		require.Equal(t, "auto-generated", head.Header.Get("Auto-Submitted"))
		require.Equal(t, e.kind == order.LetterDomainApproval, head.Header.Get("Reply-To") == "", "nobody answers a validation request")
		require.Equal(t, wantHeaders(e.kind), headers(head.Header), e.name)
	}
}

func address(t *testing.T, s string) netmail.Address {
	t.Helper()
	a, err := netmail.ParseAddress(s)
	require.NoError(t, err)
	return *a
}

// headers names the header fields of a mail, each as often as it occurs.
func headers(h netmail.Header) []string {
	var names []string
	for name, values := range h {
		names = append(names, slices.Repeat([]string{name}, len(values))...)
	}
	slices.Sort(names)
	return names
}

func wantHeaders(kind order.LetterKind) []string {
	names := []string{"Auto-Submitted", "Content-Type", "Date", "Delivered-To", "From", "Message-Id", "Mime-Version", "Received", "Reply-To", "Return-Path", "Subject", "To"}
	if kind == order.LetterExpiryReminder {
		return slices.Insert(names, 5, "List-Unsubscribe", "List-Unsubscribe-Post")
	}
	if kind == order.LetterDomainApproval {
		return slices.DeleteFunc(names, func(n string) bool { return n == "Reply-To" })
	}
	return names
}

func TestHostileFactsAddNoHeader(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Options{})
	m := mailer(t, box.SMTPAddr, nil)
	for _, e := range examples() {
		l := letter(e, order.English)
		l.ID = "x\r\nBcc: other@example.com"
		l.Facts.Number, l.Facts.Domain = "1\r\nBcc: other@example.com\r\n\r\n.\r\n", "example.jp\nX-Evil: 1\r\n.\r\nMAIL FROM:<x@example.com>"
		_, err := m.Send(t.Context(), l)
		require.NoError(t, err)
		all := box.Mails()
		head, err := netmail.ReadMessage(bytes.NewReader(all[len(all)-1].Raw))
		require.NoError(t, err)
		require.NotContains(t, headers(head.Header), "Bcc")
		require.NotContains(t, headers(head.Header), "X-Evil")
		require.Equal(t, []string{"tech@example.co.jp"}, all[len(all)-1].To)
	}
	require.Len(t, box.Mails(), len(examples()))
}

func TestRefusalsAndDelays(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Options{})
	box.Refuse("gone@example.jp", 550)
	box.RefuseContent("strict@example.jp", 554)
	box.Refuse("auth@example.jp", 530)
	box.Defer("busy@example.jp", 451, 1)
	box.DropReply("lost@example.jp", 1)
	m := mailer(t, box.SMTPAddr, nil)
	for _, row := range []struct {
		why, to, code, reply string
		kind                 fault.Kind
	}{
		{"an unknown recipient is final", "gone@example.jp", "mail.refused", "550 5.1.1 <[address]>: refused on request", fault.Invalid},
		{"refused content is final", "strict@example.jp", "mail.refused", "554 5.1.1 <[address]>: refused on request", fault.Invalid},
		{"a server that wants a password speaks of us, not of the recipient", "auth@example.jp", "mail.unavailable", "530 5.1.1 <[address]>: refused on request", fault.Unavailable},
		{"a busy server is tried again", "busy@example.jp", "mail.unavailable", "451 4.1.1 <[address]>: refused on request", fault.Unavailable},
		{"a lost answer is tried again", "lost@example.jp", "mail.unavailable", "", fault.Unavailable},
		{"an address that is none is final", "lost@example.jp, b@example.jp", "mail.address", "", fault.Invalid},
	} {
		l := letter(examples()[0], order.Japanese)
		l.Recipient = row.to
		reply, err := m.Send(t.Context(), l)
		require.Equal(t, row.kind, fault.KindOf(err), row.why)
		require.ErrorIs(t, err, &fault.Error{Kind: row.kind, Code: row.code}, row.why)
		require.Equal(t, row.reply, reply, row.why)
		require.NotContains(t, err.Error(), "example.jp", "no address in an error's text")
		if cause := errors.Unwrap(err); cause != nil {
			require.NotContains(t, cause.Error(), "example.jp", "nor in its cause, which is logged")
		}
	}
	for _, to := range []string{"busy@example.jp", "lost@example.jp"} {
		l := letter(examples()[0], order.Japanese)
		l.Recipient = to
		_, err := m.Send(t.Context(), l)
		require.NoError(t, err, "the next attempt succeeds")
	}
	lost := slices.DeleteFunc(box.Mails(), func(m mailbox.Mail) bool { return !m.SentTo("lost@example.jp") })
	require.Len(t, lost, 2, "at least once")
	require.Equal(t, lost[0].MessageID, lost[1].MessageID, "the repetition can be recognised")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	_, err = mailer(t, ln.Addr().String(), nil).Send(t.Context(), letter(examples()[0], order.Japanese))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

// silent accepts connections and never says a word.
func silent(t *testing.T) (string, <-chan struct{}) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted, done := make(chan struct{}, 1), make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
			accepted <- struct{}{}
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return ln.Addr().String(), accepted
}

func TestASilentServerIsLeft(t *testing.T) {
	t.Parallel()
	addr, _ := silent(t)
	m := mailer(t, addr, func(c *mail.Config) { c.SMTP.Timeout = 50 * time.Millisecond })
	_, err := m.Send(t.Context(), letter(examples()[0], order.Japanese))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestTheContextEndsAConversation(t *testing.T) {
	t.Parallel()
	addr, accepted := silent(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-accepted
		cancel()
	}()
	_, err := mailer(t, addr, func(c *mail.Config) { c.SMTP.Timeout = time.Hour }).Send(ctx, letter(examples()[0], order.Japanese))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorIs(t, err, context.Canceled)
}

// certificate makes a server certificate for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

func TestEncryptionAndPassword(t *testing.T) {
	t.Parallel()
	server, pool := certificate(t)
	_, stranger := certificate(t)
	secure := start(t, mailbox.Options{TLS: server, Username: "mailer", Password: "open sesame"})
	plain := start(t, mailbox.Options{})
	withTLS := start(t, mailbox.Options{TLS: server})
	for _, row := range []struct {
		why  string
		box  *mailbox.Box
		smtp mail.SMTP
		kind fault.Kind
	}{
		{"encrypted and authenticated", secure, mail.SMTP{StartTLS: mail.Mandatory, RootCAs: pool, Username: "mailer", Password: "open sesame"}, ""},
		{"encryption is mandatory by default", plain, mail.SMTP{}, fault.Unavailable},
		{"a wrong password is ours to mend", secure, mail.SMTP{RootCAs: pool, Username: "mailer", Password: "wrong"}, fault.Unavailable},
		{"a missing password is ours to mend", secure, mail.SMTP{RootCAs: pool}, fault.Unavailable},
		{"a server that nobody vouches for gets no mail", secure, mail.SMTP{RootCAs: stranger, Username: "mailer", Password: "open sesame"}, fault.Unavailable},
		{"opportunistic: a server without TLS gets it in clear", plain, mail.SMTP{StartTLS: mail.Opportunistic}, ""},
		{"opportunistic: a server with TLS is verified", withTLS, mail.SMTP{StartTLS: mail.Opportunistic, RootCAs: stranger}, fault.Unavailable},
		{"opportunistic: encrypted where offered", withTLS, mail.SMTP{StartTLS: mail.Opportunistic, RootCAs: pool}, ""},
		{"a password never goes to a server without TLS", plain, mail.SMTP{StartTLS: mail.Opportunistic, Username: "mailer", Password: "open sesame"}, fault.Unavailable},
	} {
		m := mailer(t, row.box.SMTPAddr, func(c *mail.Config) {
			row.smtp.Host, row.smtp.Port, row.smtp.Timeout, row.smtp.HELO = c.SMTP.Host, c.SMTP.Port, c.SMTP.Timeout, "worker.example"
			c.SMTP = row.smtp
		})
		before := len(row.box.Mails())
		_, err := m.Send(t.Context(), letter(examples()[0], order.Japanese))
		require.Equal(t, row.kind, fault.KindOf(err), "%s: %v", row.why, err)
		require.Equal(t, row.kind == "", len(row.box.Mails()) == before+1, row.why)
	}
}
