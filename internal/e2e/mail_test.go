package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/mailbox"
)

// mail waits for a mail to an address with a subject that contains the text.
func (w *world) mail(to, subject string) mailbox.Mail {
	w.t.Helper()
	return w.mails(to, subject, 1)[0]
}

// mails waits until there are so many mails, oldest first.
func (w *world) mails(to, subject string, count int) []mailbox.Mail {
	w.t.Helper()
	var found []mailbox.Mail
	w.until(fmt.Sprintf("%d mails to %s about %q", count, to, subject), func(context.Context) error {
		found = w.received(to, subject)
		if len(found) < count {
			return fmt.Errorf("%d have come", len(found))
		}
		return nil
	})
	return found
}

// received returns the mails that have come so far.
func (w *world) received(to, subject string) []mailbox.Mail {
	var found []mailbox.Mail
	for _, m := range w.Mailbox.Mails() {
		if m.SentTo(to) && strings.Contains(m.Subject, subject) {
			found = append(found, m)
		}
	}
	return found
}

// repeatsAreRecognisable checks that what may have been sent twice carries one Message-ID.
func (w *world) repeatsAreRecognisable(domain string) {
	w.t.Helper()
	ids := map[string]string{}
	for _, m := range w.Mailbox.Mails() {
		for _, to := range m.To {
			letter := to + " " + m.Subject
			if id, known := ids[letter]; known && domainOf(to) == domain {
				require.Equal(w.t, id, m.MessageID, letter)
			}
			ids[letter] = m.MessageID
		}
	}
}

const approvalSubject = "Please validate ownership of your domain" // G17

// approvalLink is the link in the first validation mail for the domain.
func (w *world) approvalLink(domain string) string {
	w.t.Helper()
	return linkIn(w.t, w.mail("admin@"+domain, approvalSubject), "/approve/")
}

func linkIn(t *testing.T, m mailbox.Mail, path string) string {
	t.Helper()
	for _, l := range m.Links {
		if strings.Contains(l, path) {
			return l
		}
	}
	require.Failf(t, "no link", "mail %q holds no link to %s, only %v", m.Subject, path, m.Links)
	return ""
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// decide opens the approval page and sends its form, as a browser does.
func (w *world) decide(link, decision string) {
	w.t.Helper()
	require.NoError(w.t, w.tryDecide(w.ctx, link, decision))
}

// tryDecide is decide where the page may not work.
func (w *world) tryDecide(ctx context.Context, link, decision string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	status, page, err := w.fetch(ctx, browser, link, nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the page answers %d: %w", status, err)
	}
	token := formToken.FindSubmatch(page)
	if token == nil {
		return fmt.Errorf("the page has no form")
	}
	status, _, err = w.fetch(ctx, browser, link, url.Values{"form_token": {string(token[1])}, "decision": {decision}})
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the decision is answered by %d: %w", status, err)
	}
	return nil
}

// get reads an address of the portal.
func (w *world) get(address string) (status int, body []byte) {
	w.t.Helper()
	status, body, err := w.fetch(w.ctx, http.DefaultClient, address, nil)
	require.NoError(w.t, err)
	return status, body
}

// fetch reads a page, or sends a form to it.
func (w *world) fetch(ctx context.Context, c *http.Client, address string, form url.Values) (status int, page []byte, err error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", w.PortalURL)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	page, err = io.ReadAll(res.Body)
	return res.StatusCode, page, err
}
