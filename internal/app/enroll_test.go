package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
	"securemailid.example/internal/store"
	"securemailid.example/internal/store/storetest"
	"securemailid.example/internal/voucher"
)

// orders takes submissions the way the engine and its worker do, without Temporal between.
type orders struct {
	app.Orders
	records *store.Store
}

func (o orders) Submit(ctx context.Context, s order.Submission) (order.Receipt, error) {
	number, accepted, err := o.records.ReserveNumber(ctx, s)
	if err != nil || accepted {
		return order.Receipt{Number: number, Repeated: accepted}, err
	}
	s.Number = number
	now := time.Now()
	return order.Receipt{Number: number}, o.records.Accept(ctx, order.Acceptance{
		Submission: s, Domain: "example.co.jp", At: now, DeadlineAt: now.AddDate(0, 0, 90), Policy: "guide", EndedOfContact: 10,
	})
}

// bench is a desk on a real record with the portal in front of it, and one voucher.
type bench struct {
	*httptest.Server
	t       *testing.T
	records *store.Store
	desk    *app.Desk
	client  *http.Client
	code    string
}

// nobody is a Bundler that nobody asks.
type nobody struct{ portal.Bundler }

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, records: storetest.Open(t)}
	hasher, err := voucher.NewHasher(bytes.Repeat([]byte{7}, voucher.MinKey))
	require.NoError(t, err)
	rules, _ := policy.Open(policy.Guide)
	b.desk = &app.Desk{Records: b.records, Orders: orders{records: b.records}, Vouchers: hasher, Rules: rules, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}
	b.code = b.voucher(hasher)
	var h http.Handler
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(b.Close)
	h, err = portal.New(portal.Config{
		Brand:   portal.Brand{Name: fault.Text{JA: "サンプル認証局", EN: "Example CA"}, HelpURL: "https://help.example.com/", TermsURL: "https://www.example.com/terms"},
		Records: b.records, Orders: b.desk.Orders, Desk: b.desk, Bundler: nobody{}, Policy: rules, Ready: b.records.Ping,
		Clock: time.Now, Logger: slog.New(slog.DiscardHandler), BaseURL: b.URL, Limits: portal.Limits{Forms: 1000},
	})
	require.NoError(t, err)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.client = &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *bench) voucher(h voucher.Hasher) string {
	b.t.Helper()
	code, err := voucher.Generate(voucher.Coupon, rand.Reader)
	require.NoError(b.t, err)
	now := time.Now()
	batch := voucher.Batch{ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.Coupon, ValidityYears: 1, Count: 1, ExpiresAt: now.AddDate(1, 0, 0), CreatedAt: now, CreatedBy: "staff/test"}
	require.NoError(b.t, b.records.CreateBatch(b.t.Context(), batch, []voucher.Voucher{{ID: uuid.NewString(), Hash: h.Hash(code), Masked: code.String()}}, "staff/test"))
	return code.Grouped()
}

func (b *bench) form() url.Values {
	b.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b.t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(b.t, err)
	v := url.Values{"csr": {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}, "voucher": {b.code}, "submission_key": {secret.Token()}}
	for path, value := range map[string]string{
		"type": "new", "validity_years": "1", "certificate_email": "info@example.co.jp", "dcv_method": "dns-txt",
		"organization.name_ja": "サンプル商事株式会社", "organization.name": "Sample Trading K.K.", "organization.state": "Tokyo", "organization.city": "Chuo-ku",
		"organization.street": "1-2-3 Sample", "organization.postal_code": "101-0066", "organization.telephone": "03-1234-5678",
		"representative.department": "情報システム部", "representative.family_name_ja": "申請", "representative.given_name_ja": "責任",
		"representative.family_name": "Shinsei", "representative.given_name": "Sekinin", "representative.email": "representative@example.co.jp",
		"technical_contact.company": "サンプル商事株式会社", "technical_contact.department": "情報システム部", "technical_contact.family_name": "Gijutsu",
		"technical_contact.given_name": "Tanto", "technical_contact.telephone": "03-1234-5679", "technical_contact.email": "technical@example.co.jp", "terms_accepted": "yes",
	} {
		v.Set(path, value)
	}
	return v
}

// post sends a form and returns where it leads and what is there.
func (b *bench) post(path string, form url.Values) (status int, at, text string) {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err.Error(), ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(r)
	if err != nil {
		return 0, err.Error(), ""
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error(), ""
	}
	return res.StatusCode, res.Request.URL.Path, string(body)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

func (b *bench) confirm(form url.Values) url.Values {
	b.t.Helper()
	status, _, text := b.post("/enroll", form)
	require.Equal(b.t, http.StatusOK, status, text)
	carried := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(text, -1) {
		carried.Set(m[1], html.UnescapeString(m[2]))
	}
	return carried
}

// TestAHundredSubmissionsOfOneFormAreOneOrder: the record, not the page, makes one order of them; all of them lead to its receipt.
func TestAHundredSubmissionsOfOneFormAreOneOrder(t *testing.T) {
	t.Parallel()
	b := open(t)
	carried := b.confirm(b.form())
	type arrival struct {
		status int
		at     string
	}
	arrivals := make([]arrival, 100)
	var all sync.WaitGroup
	for i := range arrivals {
		all.Go(func() { arrivals[i].status, arrivals[i].at, _ = b.post("/enroll/submit", carried) })
	}
	all.Wait()
	for _, a := range arrivals {
		require.Equal(t, arrivals[0], a)
	}
	require.Equal(t, http.StatusOK, arrivals[0].status)
	token := strings.TrimPrefix(arrivals[0].at, "/receipt/")
	link, err := b.records.Link(t.Context(), secret.Hash(token))
	require.NoError(t, err)
	list, err := b.records.Orders(t.Context(), order.Filter{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, list[0].Number, link.Order)

	changed := b.form()
	changed.Set("submission_key", carried.Get("submission_key"))
	status, _, text := b.post("/enroll/submit", b.confirm(changed))
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, text, arrivals[0].at)
	status, _, text = b.post("/enroll/submit", b.confirm(b.form()))
	require.Equal(t, http.StatusUnprocessableEntity, status, "the voucher has been used")
	require.Contains(t, text, `id="voucher-fault"`)
}

// TestCheckIsWhatSubmitHolds: both refuse the same forms, and the normal form is one for both.
func TestCheckIsWhatSubmitHolds(t *testing.T) {
	t.Parallel()
	b := open(t)
	_, err := b.desk.Check(t.Context(), order.Application{})
	_, submitted := b.desk.Submit(t.Context(), order.Application{}, "")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.Equal(t, submitted.Error(), err.Error())
	_, err = b.desk.CSR(t.Context(), "")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	require.Equal(t, "csr", f.Fields[0].Path)
}

// A review promises nothing that the submission refuses: it knows the keys that the record knows. While the record does not answer, the
// form can be filled in all the same.
func TestAReviewKnowsTheKeysThatSubmitRefuses(t *testing.T) {
	t.Parallel()
	b := open(t)
	text := b.form().Get("csr")
	request, err := b.desk.CSR(t.Context(), text)
	require.NoError(t, err)
	_, err = b.records.RequestRevocation(t.Context(), order.RevocationRequest{
		ID: uuid.NewString(), Origin: order.RevocationByKey, Actor: "staff/test", Reason: order.ReasonKeyCompromise, Key: request.Fingerprint[:], At: time.Now(),
	})
	require.NoError(t, err)
	_, err = b.desk.CSR(t.Context(), text)
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "csr.compromised", f.Fields[0].Code)

	away, leave := context.WithCancel(t.Context())
	leave()
	_, err = b.desk.CSR(away, text)
	require.NoError(t, err)
}
