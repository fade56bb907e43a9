package portal_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/secret"
)

// desk is a Desk with the real rules whose orders go into the test's record, one for each key; refuse decides what is not accepted.
type desk struct {
	record *record
	rules  policy.Profile

	mu     sync.Mutex
	calls  int
	refuse func(order.Application) error
	seen   func(order.Application) // told of every form that keeps the rules
	lost   bool                    // the order is accepted, but the answer does not arrive

	blocked csr.Blocklist // keys that the record knows to be compromised

	notAgain error // what every request for a reissue is refused for

	mailed []string // status links "number address" and download links "number" that were asked for
	mail   error    // what asking for a mail answers
}

func (d *desk) SendStatusLink(_ context.Context, number, email string) error {
	return d.asked(number + " " + email)
}

func (d *desk) SendDownloadLink(_ context.Context, number string) error { return d.asked(number) }

func (d *desk) OfferRevocation(_ context.Context, number string, sequence int) error {
	return d.asked(fmt.Sprintf("revocation %s/%d", number, sequence))
}

// Revoke revokes the certificate in the record, as the store does.
func (d *desk) Revoke(_ context.Context, r order.RevocationRequest, _ bool) (order.Revocation, error) {
	if err := d.asked("revoked by " + r.ID); err != nil {
		return order.Revocation{}, err
	}
	d.record.mu.Lock()
	defer d.record.mu.Unlock()
	for _, certs := range d.record.certs {
		for i, c := range certs {
			if c.Issuer == r.Issuer && c.Serial == r.Serial {
				certs[i].RevokedAt, certs[i].Reason = now, r.Reason
			}
		}
	}
	return order.Revocation{ID: r.ID}, nil
}

func (d *desk) asked(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mail == nil {
		d.mailed = append(d.mailed, what)
	}
	return d.mail
}

func (d *desk) validate(a order.Application) (order.Normalized, error) {
	profile := d.rules
	if profile == "" {
		profile = policy.Guide
	}
	book, _ := policy.Open(profile)
	return order.Validate(a, book.At(now).Limits())
}

func (d *desk) Check(_ context.Context, a order.Application) (order.Application, error) {
	n, err := d.validate(a)
	if err == nil && d.seen != nil {
		d.seen(n.Application)
	}
	return n.Application, err
}

func (d *desk) CSR(_ context.Context, text string) (csr.Request, error) {
	return csr.Parse(text, d.blocked)
}

var errUnreachable = fault.New(fault.Unavailable, "engine.unavailable", "受付システムに接続できません。", "The order system does not answer.")

func (d *desk) Submit(_ context.Context, a order.Application, key string) (order.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	n, err := d.validate(a)
	if err != nil {
		return order.Receipt{}, err
	}
	if d.refuse != nil {
		if err := d.refuse(n.Application); err != nil {
			return order.Receipt{}, err
		}
	}
	d.record.mu.Lock()
	defer d.record.mu.Unlock()
	if number, known := d.record.keys[key]; known {
		if d.record.orders[number].Application != n.Application.WithoutVoucher() {
			return order.Receipt{}, fault.New(fault.Conflict, "submission.key-reused", "同じ申込識別キーで内容の異なるお申し込みがあります。", "Another application has been handed in under the same idempotency key.")
		}
		return order.Receipt{Number: number, Repeated: true}, nil
	}
	s := sampleOrder(n.Application.Language)
	s.Number, s.Application, s.Domain, s.CertificateEmail = newNumber(), n.Application.WithoutVoucher(), n.Domain, n.Application.CertificateEmail
	s.DeadlineAt = now.AddDate(0, 0, 90)
	d.record.keys[key], d.record.orders[s.Number] = s.Number, s
	if d.lost {
		return order.Receipt{}, errUnreachable
	}
	return order.Receipt{Number: s.Number}, nil
}

func newNumber() string {
	return strings.Map(func(r rune) rune { return '1' + r%9 }, rand.Text()[:10])
}

// accepted is how many orders there are beside the one that every site has.
func (d *desk) accepted() int {
	d.record.mu.Lock()
	defer d.record.mu.Unlock()
	return len(d.record.orders) - 1
}

// anyKey is one key for all tests: making one takes long.
var anyKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func request(t testing.TB, subject pkix.Name, emails ...string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject, EmailAddresses: emails}, anyKey())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// filled is the form as somebody fills it in.
func filled(t testing.TB) url.Values {
	t.Helper()
	v := url.Values{}
	for path, value := range map[string]string{
		"language": "ja", "voucher": "1234-5678-9012-3450", "type": "new", "validity_years": "1", "csr": request(t, pkix.Name{CommonName: "info@example.co.jp"}),
		"certificate_email": "info@example.co.jp", "dcv_method": "dns-txt",
		"organization.name_ja": "サンプル商事株式会社", "organization.name": "Sample Trading K.K.", "organization.unit": "Mail Services",
		"organization.state": "Tokyo", "organization.city": "Chuo-ku", "organization.street": "6-10-1 Ginza", "organization.postal_code": "１０１ー００６６",
		"organization.telephone": "０３−１２３４−５６７８", "representative.department": "情報システム部", "representative.family_name_ja": "申請",
		"representative.given_name_ja": "責任", "representative.family_name": "Shinsei", "representative.given_name": "Sekinin",
		"representative.email": "representative@example.co.jp", "technical_contact.company": "サンプルシステムズ株式会社",
		"technical_contact.department": "運用部", "technical_contact.family_name": "Gijutsu", "technical_contact.given_name": "Tanto",
		"technical_contact.telephone": "03-1234-5679", "technical_contact.email": "technical@example.jp", "terms_accepted": "yes",
	} {
		v.Set(path, value)
	}
	return v
}

var carriedField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

func (s *site) post(c *http.Client, path string, form url.Values) page {
	s.t.Helper()
	r := s.request(http.MethodPost, path, form)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, r)
}

func TestEnrollFormShowsWhatTheGuideAsksFor(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	p := s.get(s.visitor(), "/enroll")
	require.Equal(t, http.StatusOK, p.StatusCode)
	for name := range filled(t) {
		require.Contains(t, p.text, `name="`+name+`"`)
	}
	for _, shown := range []string{"RSA SHA-2 (SHA-256)", ">2048（以上）<", "Japan（日本）", "★", "必須", "任意", `href="https://www.example.com/terms.pdf"`} {
		require.Contains(t, p.text, shown)
	}
	require.NotContains(t, p.text, "organization.identifier", "the guide has no field for it (G9)")
}

// confirm sends the form and returns the confirm page with what it carries along.
func (s *site) confirm(c *http.Client, form url.Values) (page, url.Values) {
	s.t.Helper()
	if !form.Has("submission_key") {
		form.Set("submission_key", carriedBy(s.get(c, "/enroll")).Get("submission_key"))
	}
	p := s.post(c, "/enroll", form)
	require.Equal(s.t, http.StatusOK, p.StatusCode, p.text)
	return p, carriedBy(p)
}

func carriedBy(p page) url.Values {
	v := url.Values{}
	for _, m := range carriedField.FindAllStringSubmatch(p.text, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	return v
}

// arrive asks for the page that a submission leads to.
func (s *site) arrive(c *http.Client, form url.Values) page {
	s.t.Helper()
	p := s.post(c, "/enroll/submit", form)
	require.Equal(s.t, http.StatusOK, p.StatusCode, p.text)
	require.Contains(s.t, p.Request.URL.Path, "/receipt/")
	return p
}

// TestFromFormToReceipt goes the whole way: what was typed is normalised and shown, the order has it, and the receipt says what is next.
func TestFromFormToReceipt(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	p, carried := s.confirm(c, filled(t))
	for _, shown := range []string{"101-0066", "１０１ー００６６", "03-1234-5678", "RSA 2048ビット", "<dd>2048</dd>", "DNS認証（TXT）", "<dd>1234-5678-9012-3450</dd>"} {
		require.Contains(t, p.text, shown)
	}
	require.Zero(t, s.desk.accepted(), "a review hands nothing in")

	receipt := s.arrive(c, carried)
	require.Equal(t, 1, s.desk.accepted())
	number := s.record.keys[carried.Get("submission_key")]
	token := strings.TrimPrefix(receipt.Request.URL.Path, "/receipt/")
	for _, shown := range []string{number, "t***@example.jp", "example.co.jp", `href="/status/` + token + `"`, "DNS"} {
		require.Contains(t, receipt.text, shown)
	}
	link := s.record.links[string(secret.Hash(token))]
	require.Equal(t, order.LinkStatus, link.Purpose)
	require.Equal(t, "technical@example.jp", link.Recipient)
	require.Equal(t, now.AddDate(0, 0, 180), link.ExpiresAt)
	require.Equal(t, "+81312345678", s.record.orders[number].Application.Organization.Telephone)
}
