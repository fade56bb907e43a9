package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/mail"
)

// maxPage bounds what is read of a page or download.
const maxPage = 1 << 20

// approve opens the link of the validation mail and sends the form of the page, as the domain's administrator does (G17).
func (c *carried) approve(ctx context.Context) error {
	m, err := c.mail(ctx, "admin@"+c.domain, func(m mailbox.Mail) bool {
		return m.Subject == "Please validate ownership of your domain "+c.domain
	})
	if err != nil {
		return err
	}
	link, err := linkTo(m, "/approve/")
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	page, err := fetch(ctx, browser, http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	hidden := formToken.FindSubmatch(page)
	if hidden == nil {
		return errors.New("the approval page has no form")
	}
	_, err = fetch(ctx, browser, http.MethodPost, link, url.Values{"form_token": {string(hidden[1])}, "decision": {"approve"}})
	return err
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

func linkTo(m mailbox.Mail, path string) (string, error) {
	for _, l := range m.Links {
		if strings.Contains(l, path) {
			return l, nil
		}
	}
	return "", fmt.Errorf("the mail %q holds no link to %s", m.Subject, path)
}

// fetch gets or posts a page; anything but success is an error.
func fetch(ctx context.Context, browser *http.Client, method, address string, form url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	res, err := browser.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the portal answers %s", res.Status)
	}
	return body, nil
}

// issued waits for both notices, each with the subject that the guide gives it (G21).
func (c *carried) issued(ctx context.Context) error {
	subjects := mail.GuideBrand().Subjects
	for to, subject := range map[string]string{c.email(): subjects.IssuedCertificate.JA, c.contact(): subjects.IssuedContact.JA} {
		if _, err := c.notice(ctx, to, subject); err != nil {
			return fmt.Errorf("notice to %s: %w", to, err)
		}
	}
	return nil
}

func (c *carried) notice(ctx context.Context, to, subject string) (mailbox.Mail, error) {
	return c.mail(ctx, to, func(m mailbox.Mail) bool { return m.Subject == subject })
}

// download fetches each form of the certificate from the page that the technical contact's notice names (G22).
func (c *carried) download(ctx context.Context) error {
	m, err := c.notice(ctx, c.contact(), mail.GuideBrand().Subjects.IssuedContact.JA)
	if err != nil {
		return err
	}
	page, err := linkTo(m, "/download/")
	if err != nil {
		return err
	}
	for kind, name := range map[string]string{"p7b": "certificate.p7b", "zip": "certificate.zip", "pem": "chain.pem"} {
		body, err := fetch(ctx, http.DefaultClient, http.MethodGet, page+"/file?type="+kind, nil)
		if err != nil {
			return fmt.Errorf("download %s: %w", kind, err)
		}
		if err := os.WriteFile(c.path(name), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}
