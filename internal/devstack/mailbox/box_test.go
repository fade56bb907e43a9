package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/devstack/mailbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

// start opens a mailbox that ends with the test.
func start(t *testing.T, o mailbox.Options) *mailbox.Box {
	t.Helper()
	b, err := mailbox.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, b.Close())
	})
	return b
}

// deadline bounds every wait of these tests.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

const japanese = "From: =?UTF-8?B?44K144Oz44OX44Or6KqN6Ki85bGA?= <ca@example.com>\r\n" +
	"To: <%[1]s>\r\nSubject: =?UTF-8?B?44GK55+l44KJ44Gb?= %[2]s\r\nMessage-ID: <%[2]s@example.com>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
	"次のページ（https://example.com/a?t=1）をご覧ください。\r\nOr <https://example.com/b>.\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
	"<p>本文<script>alert(1)</script><a href=\"https://example.com/a?t=1&amp;u=2\">x</a> <a href=\"mailto:x@example.com\">m</a></p>\r\n--b--\r\n"

func send(b *mailbox.Box, to, name string) error {
	return smtp.SendMail(b.SMTPAddr, nil, "ca@example.com", []string{to}, fmt.Appendf(nil, japanese, to, name))
}

func TestAMailIsKeptAndRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	b := start(t, mailbox.Options{Dir: t.TempDir(), Clock: func() time.Time { return at }})
	require.NoError(t, send(b, "admin@example.jp", "one"))

	m, err := b.Wait(deadline(t), func(m mailbox.Mail) bool { return m.SentTo("Admin@example.jp") })
	require.NoError(t, err)
	require.Equal(t, "サンプル認証局 <ca@example.com>", m.From)
	require.Equal(t, []string{"admin@example.jp"}, m.To)
	require.Equal(t, "お知らせ one", m.Subject)
	require.Equal(t, "one@example.com", m.MessageID)
	require.Equal(t, []string{"https://example.com/a?t=1", "https://example.com/b", "https://example.com/a?t=1&u=2"}, m.Links)
	require.True(t, at.Equal(m.At))
	require.Contains(t, m.Text, "をご覧ください。")
	require.Contains(t, m.HTML, "<p>本文")
}

func TestMailsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.eml"), []byte("not ours"), 0o600))
	first := start(t, mailbox.Options{Dir: dir})
	require.NoError(t, send(first, "a@example.jp", "one"))
	before := first.Mails()
	require.NoError(t, first.Close())

	second := start(t, mailbox.Options{Dir: dir})
	require.NoError(t, send(second, "b@example.jp", "two"))
	after := second.Mails()
	require.Len(t, after, 2)
	require.Equal(t, before[0].Raw, after[0].Raw)
	require.Equal(t, before[0].To, after[0].To)
	require.Less(t, after[0].ID, after[1].ID)
}

func TestOnlyTheNewestStayInMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, mailbox.Options{Dir: dir, Limit: 2})
	for _, name := range []string{"one", "two", "three"} {
		require.NoError(t, send(b, "a@example.jp", name))
	}
	require.Len(t, b.Mails(), 2)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3, "files are never removed")
	m, err := b.Wait(deadline(t), func(mailbox.Mail) bool { return true })
	require.NoError(t, err)
	require.Equal(t, "two@example.com", m.MessageID)
}

// code returns the SMTP code of an error, 0 for others.
func code(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}

func TestFaultsOnRequest(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	b.Refuse("gone@example.jp", 550)
	b.RefuseContent("strict@example.jp", 554)
	b.Defer("busy@example.jp", 451, 2)
	b.DropReply("lost@example.jp", 1)

	require.Equal(t, 550, code(send(b, "gone@example.jp", "a")))
	require.Equal(t, 554, code(send(b, "strict@example.jp", "b")))
	require.Equal(t, 451, code(send(b, "busy@example.jp", "c")))
	require.Equal(t, 451, code(send(b, "busy@example.jp", "c")))
	require.Empty(t, b.Mails(), "a refused mail is not kept")
	require.NoError(t, send(b, "busy@example.jp", "c"), "the third time it is taken")
	require.Error(t, send(b, "lost@example.jp", "d"))
	require.NoError(t, send(b, "lost@example.jp", "d"))
	require.Len(t, b.Mails(), 3, "the mail whose answer was lost had been taken: it is there twice")

	b.Heal("gone@example.jp")
	require.NoError(t, send(b, "gone@example.jp", "e"))
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Wait(ctx, func(mailbox.Mail) bool { return true })
	require.ErrorIs(t, err, context.Canceled)
}

func TestClientWaitsFromAnotherProcess(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	c := mailbox.Client{URL: b.WebURL + "/"}
	require.NoError(t, send(b, "a@example.jp", "one"))
	require.NoError(t, send(b, "other@example.jp", "two"))
	type result struct {
		m   mailbox.Mail
		err error
	}
	got, looked := make(chan result, 1), make(chan struct{}, 10)
	go func() {
		m, err := c.Wait(deadline(t), "a@example.jp", func(m mailbox.Mail) bool {
			looked <- struct{}{}
			return strings.HasSuffix(m.Subject, "three")
		})
		got <- result{m, err}
	}()
	<-looked // it has seen the first mail and goes on waiting
	require.NoError(t, send(b, "a@example.jp", "three"))
	r := <-got
	require.NoError(t, r.err)
	require.Equal(t, "three@example.com", r.m.MessageID)
	require.Contains(t, string(r.m.Raw), "Message-ID: <three@example.com>")
	require.Equal(t, b.Mails()[2].Links, r.m.Links)

	all, err := c.Mails(deadline(t), "")
	require.NoError(t, err)
	require.Len(t, all, 3)
}

func TestClientSeesThatTheMailboxHasGone(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	require.NoError(t, b.Close())
	_, err := mailbox.Client{URL: b.WebURL}.Wait(deadline(t), "", func(mailbox.Mail) bool { return true })
	require.Error(t, err)
}

func TestTheContextEndsTheMailboxWithOpenConnections(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b, err := mailbox.Start(ctx, mailbox.Options{})
	require.NoError(t, err)
	idle, err := smtp.Dial(b.SMTPAddr)
	require.NoError(t, err)
	cancel()
	require.NoError(t, b.Close())
	require.Error(t, idle.Noop(), "the idle connection is closed")
	_ = idle.Close()
}

// get returns one page and its answer's head.
func get(t *testing.T, url string) (string, *http.Response) {
	t.Helper()
	req, err := http.NewRequestWithContext(deadline(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body), res
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	body, _ := get(t, b.WebURL+"/")
	require.Contains(t, body, "まだメールはありません")
	require.NoError(t, send(b, "a@example.jp", "<b>one</b>"))
	require.NoError(t, send(b, "b@example.jp", "two"))

	body, res := get(t, b.WebURL+"/")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "&lt;b&gt;one", "subjects are escaped")
	require.Less(t, strings.Index(body, "two"), strings.Index(body, "one"), "newest first")
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")

	body, _ = get(t, b.WebURL+"/?to=b@example.jp&lang=en")
	require.Contains(t, body, "Received (JST)")
	require.NotContains(t, body, "a@example.jp</div>")

	body, _ = get(t, b.WebURL+"/mails/000001")
	require.Contains(t, body, `<a href="https://example.com/a?t=1" target="_blank"`, "links of the text can be clicked")
	require.Contains(t, body, `sandbox="allow-popups`)
	require.NotContains(t, body, "<script>alert")

	body, res = get(t, b.WebURL+"/mails/000001/html")
	require.Contains(t, body, "<p>本文")
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox allow-popups", "scripts of a mail do not run, framed or not")
	require.NotContains(t, res.Header.Get("Content-Security-Policy"), "script-src")

	body, res = get(t, b.WebURL+"/mails/000001/raw")
	require.Equal(t, string(b.Mails()[0].Raw), body)
	require.Equal(t, "message/rfc822", res.Header.Get("Content-Type"))

	_, res = get(t, b.WebURL+"/mails/999999")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	body, _ = get(t, b.WebURL+"/api/mails?to=nobody@example.jp")
	require.JSONEq(t, "[]", body)
	body, _ = get(t, b.WebURL+"/api/mails/000002")
	require.Contains(t, body, `"message_id":"two@example.com"`)
}

func TestAPasswordNeedsTLS(t *testing.T) {
	t.Parallel()
	_, err := mailbox.Start(t.Context(), mailbox.Options{Username: "u", Password: "p"})
	require.Error(t, err)
}

func TestATakenPortIsAnError(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	_, err := mailbox.Start(t.Context(), mailbox.Options{SMTPAddr: b.SMTPAddr})
	require.ErrorContains(t, err, "smtp")
	_, err = mailbox.Start(t.Context(), mailbox.Options{WebAddr: strings.TrimPrefix(b.WebURL, "http://")})
	require.ErrorContains(t, err, "web")
}
