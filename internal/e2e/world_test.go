package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/voucher"
)

// patience bounds every wait; a state that is not reached by then never will be.
const patience = 90 * time.Second

// world is a test's view of a running stack: what an applicant, a domain owner and staff can do, and what the record says.
type world struct {
	*devstack.Stack
	t        *testing.T
	ctx      context.Context
	desk     *app.Desk
	temporal client.Client
}

func enter(t *testing.T, s *devstack.Stack) *world {
	t.Helper()
	w := &world{Stack: s, t: t, ctx: t.Context()}
	logger := slog.New(slog.DiscardHandler)
	desk, err := app.OpenDesk(w.ctx, config.Common{
		Database: config.Database{URL: s.Postgres.DSN()}, Temporal: s.Temporal.HostPort(), Policy: policy.Guide,
		VoucherKeyFile: setting(s, "SMID_VOUCHER_KEY_FILE"), PublicURL: s.PortalURL,
	}, logger)
	require.NoError(t, err)
	t.Cleanup(desk.Close)
	w.desk = desk
	w.temporal, err = engine.Dial(w.ctx, s.Temporal.HostPort(), logger)
	require.NoError(t, err)
	t.Cleanup(w.temporal.Close)
	return w
}

func setting(s *devstack.Stack, name string) string {
	for _, line := range s.Environ() {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

var domains atomic.Int64

// newDomain returns a domain that no other test uses.
func newDomain() string { return fmt.Sprintf("d%d.example.co.jp", domains.Add(1)) }

// voucher issues one voucher and returns its code.
func (w *world) voucher(years int) string {
	w.t.Helper()
	code, err := voucher.Generate(voucher.VoucherCode, rand.Reader)
	require.NoError(w.t, err)
	now := time.Now()
	b := voucher.Batch{
		ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.VoucherCode, ValidityYears: years, Count: 1,
		ExpiresAt: now.AddDate(1, 0, 0), CreatedAt: now, CreatedBy: "staff/test",
	}
	v := voucher.Voucher{
		ID: uuid.NewString(), Batch: b.ID, Hash: w.desk.Vouchers.Hash(code), Masked: code.String(), Kind: b.Kind, ValidityYears: years,
		State: voucher.Unused, CreatedAt: now, ExpiresAt: b.ExpiresAt,
	}
	require.NoError(w.t, w.desk.Records.CreateBatch(w.ctx, b, []voucher.Voucher{v}, "staff/test"))
	return code.Reveal()
}

// request makes a key and a CSR.
func request(t *testing.T, email string) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: email}, EmailAddresses: []string{email},
	}, key)
	require.NoError(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// application fills in the form for a new domain.
func (w *world) application(method order.DCVMethod) order.Application {
	w.t.Helper()
	email := "info@" + newDomain()
	_, csr := request(w.t, email)
	return order.Application{
		Language: order.Japanese, Voucher: w.voucher(1), Type: order.New, ValidityYears: 1, CSR: csr, CertificateEmail: email, DCVMethod: method,
		Organization: order.Organization{
			NameJA: "サンプル商事株式会社", Name: "Sample Trading K.K.", Unit: "Test Services", State: "Tokyo", City: "Chuo-ku",
			Street: "1-2-3 Sample", PostalCode: "104-0061", Telephone: "03-1234-5678",
		},
		Representative: order.Representative{
			Department: "情報システム部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin",
			Email: "representative@" + domainOf(email),
		},
		TechnicalContact: order.TechnicalContact{
			Company: "サンプル商事株式会社", Department: "情報システム部", FamilyName: "Gijutsu", GivenName: "Tantou", Telephone: "03-1234-5679",
			Email: "tech@" + domainOf(email),
		},
		TermsAccepted: true,
	}
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// submit hands the application in and returns the order number.
func (w *world) submit(a order.Application) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	r, err := w.desk.Submit(ctx, a, "")
	require.NoError(w.t, err)
	return r.Number
}

// order starts an order and waits until its challenge is out.
func (w *world) order(method order.DCVMethod) string {
	w.t.Helper()
	number := w.submit(w.application(method))
	w.await(number, "a challenge", func(s order.Status) bool { return s.Challenge != nil })
	return number
}

// await waits until the record says what the test waits for.
func (w *world) await(number, what string, done func(order.Status) bool) order.Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	var st order.Status
	err := proc.Await(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		var err error
		if st, err = w.desk.Records.Order(ctx, number); err != nil {
			return err
		}
		if !done(st) {
			return fmt.Errorf("order in state %s waits for %v", st.State, st.Awaited)
		}
		return nil
	})
	require.NoErrorf(w.t, err, "waiting for %s; last seen %+v", what, st.Timeline)
	return st
}

func (w *world) awaitState(number string, s order.State) order.Status {
	w.t.Helper()
	return w.await(number, string(s), func(st order.Status) bool { return st.State == s })
}

// prove does what the technical contact or the domain owner does for the order's current challenge.
func (w *world) prove(number string) {
	w.t.Helper()
	c, err := w.desk.Records.Challenge(w.ctx, number)
	require.NoError(w.t, err)
	i := c.Instruction()
	switch c.Method {
	case order.DCVTXT:
		require.NoError(w.t, w.Lab.SetTXT(i.RecordName, i.RecordValue))
	case order.DCVCNAME:
		require.NoError(w.t, w.Lab.SetCNAME(i.RecordName, i.RecordValue))
	case order.DCVFile:
		u, err := url.Parse(i.FileURL)
		require.NoError(w.t, err)
		require.NoError(w.t, w.Lab.SetFile(u.Hostname(), u.Path, i.FileContent))
	case order.DCVEmail:
		m := w.mail("admin@"+c.Domain, "Please validate ownership of your domain")
		w.decide(linkIn(w.t, m, "/approve/"), "approve")
	}
}

// mail waits for a mail to an address with a subject that contains the text.
func (w *world) mail(to, subject string) mailbox.Mail {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	m, err := w.Mailbox.Wait(ctx, func(m mailbox.Mail) bool { return m.SentTo(to) && strings.Contains(m.Subject, subject) })
	if err != nil {
		showLog(w.t, w.Stack, "worker.log")
	}
	require.NoErrorf(w.t, err, "mail to %s about %q", to, subject)
	return m
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
func (w *world) decide(link, decision string) int {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	browser := &http.Client{Jar: jar}
	status, page := w.request(browser, http.MethodGet, link, nil)
	require.Equal(w.t, http.StatusOK, status, string(page))
	token := formToken.FindSubmatch(page)
	require.NotNil(w.t, token, "the page has no form")
	status, _ = w.request(browser, http.MethodPost, link, url.Values{"form_token": {string(token[1])}, "decision": {decision}})
	return status
}

func (w *world) request(c *http.Client, method, address string, form url.Values) (int, []byte) {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(w.ctx, method, address, body)
	require.NoError(w.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", w.PortalURL)
	}
	res, err := c.Do(req)
	require.NoError(w.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return res.StatusCode, b
}

var by = order.Actor{Actor: "staff/test"}

// phoneSteps are the three commands of G20.
func phoneSteps() []order.Command {
	return []order.Command{
		order.PhoneNumberVerified{Actor: by, Number: "+81312345600", Source: order.SourceGovernment, Reference: "register of the ministry"},
		order.RepresentativeReached{Actor: by, How: order.ReachedByTransfer},
		order.RepresentativeConfirmed{Actor: by},
	}
}

// command sends a command as an Update.
func (w *world) command(number string, c order.Command) order.Outcome {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	out, err := w.desk.Orders.Command(ctx, number, c)
	require.NoError(w.t, err)
	return out
}

// phone takes the three phone steps as signals.
func (w *world) phone(number string) {
	w.t.Helper()
	for _, c := range phoneSteps() {
		require.NoError(w.t, w.desk.Orders.Signal(w.ctx, number, c))
	}
}

// issuedOnce checks the end of an order: one certificate, one use of its voucher, both notices sent once.
func (w *world) issuedOnce(number string) order.Certificate {
	w.t.Helper()
	st := w.awaitState(number, order.Issued)
	certs, err := w.desk.Records.Certificates(w.ctx, number)
	require.NoError(w.t, err)
	require.Len(w.t, certs, 1)
	require.Equal(w.t, 1, w.vouchersUsed(number))
	w.mail(st.CertificateEmail, "発行のお知らせ")
	w.mail(st.Application.TechnicalContact.Email, "証明書のご案内")
	return certs[0]
}

// closed waits until the order's workflow has ended.
func (w *world) closed(number string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	require.NoError(w.t, w.temporal.GetWorkflow(ctx, "order-"+number, "").Get(ctx, nil))
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return bytes.TrimSpace(b)
}
