package portal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

const (
	number = "4827160935"
	linkID = "0197f1f2-6b1c-7d5e-8a43-5c1d2e3f4a5b"
)

// record is a Records over maps; a fault set in down is what every read answers.
type record struct {
	mu     sync.Mutex
	links  map[string]order.Link
	orders map[string]order.Status
	certs  map[string][]order.Certificate
	cas    map[string]order.IssuingCA
	crls   map[string]order.CRL

	standings []order.IssuerStanding
	keys      map[string]string // order number by idempotency key, of what was handed in and accepted
	down      error

	stopped []string // reminders: order number and recipient
	looked  int      // at the standings of issuing CAs
	files   int      // lists and CA certificates that were read
	hangs   bool     // lists are not answered at all
	waiting int      // for lists, at present
	most    int      // waiting at a time
}

var errAbsent = fault.New(fault.NotFound, "absent", "ありません。", "Absent.")

func look[K comparable, V any](r *record, from map[K]V, key K) (V, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := from[key]
	if r.down != nil {
		return v, r.down
	}
	if !ok {
		return v, errAbsent
	}
	return v, nil
}

func (r *record) Link(_ context.Context, hash []byte) (order.Link, error) {
	return look(r, r.links, string(hash))
}

func (r *record) Order(_ context.Context, n string) (order.Status, error) {
	return look(r, r.orders, n)
}

func (r *record) Certificates(_ context.Context, n string) ([]order.Certificate, error) {
	certs, err := look(r, r.certs, n)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return certs, err
}

func (r *record) IssuingCA(_ context.Context, id string) (order.IssuingCA, error) {
	r.do(func() { r.files++ })
	return look(r, r.cas, id)
}

func (r *record) CRL(ctx context.Context, id string) (order.CRL, error) {
	var hangs bool
	r.do(func() { r.files++; r.waiting++; r.most = max(r.most, r.waiting); hangs = r.hangs })
	defer r.do(func() { r.waiting-- })
	if hangs {
		<-ctx.Done()
		return order.CRL{}, fault.New(fault.Unavailable, "record", "停止中", "down").Because(ctx.Err())
	}
	return look(r, r.crls, id)
}

func (r *record) do(f func()) { r.mu.Lock(); defer r.mu.Unlock(); f() }

func (r *record) IssuerStandings(context.Context) ([]order.IssuerStanding, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked++
	return r.standings, nil
}

func (r *record) AddLink(_ context.Context, l order.Link) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.links[string(l.Hash)]; !known && r.down == nil {
		r.links[string(l.Hash)] = l
	}
	return r.down
}

func (r *record) StopReminders(_ context.Context, number, recipient string, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down == nil {
		r.stopped = append(r.stopped, number+" "+recipient)
	}
	return r.down
}

func (r *record) RemindersStopped(_ context.Context, number, recipient string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.stopped, number+" "+recipient), r.down
}

func (r *record) Submitted(_ context.Context, key string) (string, bool, error) {
	n, err := look(r, r.keys, key)
	return n, err == nil && r.orders[n].Number != "", err
}

func (r *record) use(token string, change func(*order.Link)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.links[string(secret.Hash(token))]
	change(&l)
	r.links[string(secret.Hash(token))] = l
}

// engine is an Orders that keeps what it was told; answer decides what comes back.
type engine struct {
	mu     sync.Mutex
	got    []order.Command
	answer func(order.DomainApproved) (order.Outcome, error)
	reply  func(order.Command) (order.Outcome, error) // to any other command
}

func (e *engine) Command(_ context.Context, n string, c order.Command) (order.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, c)
	if err := fault.InvalidFields(c.Check()); err != nil {
		return order.Outcome{}, err
	}
	d, ok := c.(order.DomainApproved)
	if !ok && e.reply != nil {
		return e.reply(c)
	}
	if !ok {
		return order.Outcome{Order: n, Applied: true}, nil
	}
	if e.answer != nil {
		return e.answer(d)
	}
	return order.Outcome{Order: n, Applied: true}, nil
}

func (e *engine) commands() []order.Command {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]order.Command(nil), e.got...)
}

// labels is a Bundler whose files say what they are.
type labels struct{}

func (labels) P7B(c order.Certificate, ca order.IssuingCA) ([]byte, error) {
	return []byte("p7b " + c.Serial + " " + ca.ID), nil
}

func (labels) ZIP(c order.Certificate, ca order.IssuingCA) ([]byte, error) {
	return []byte("zip " + c.Serial + " " + ca.ID), nil
}

func (labels) PEM(c order.Certificate, ca order.IssuingCA) ([]byte, error) {
	return []byte("pem " + c.Serial + " " + ca.ID), nil
}

// site is a portal on a real socket with everything that a test wants to look at.
type site struct {
	*httptest.Server
	t        testing.TB
	record   *record
	engine   *engine
	desk     *desk
	log      *logbook
	approval string // token of an approval link
	download string // token of a download link
	status   string // token of a status link
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func sampleOrder(language order.Language) order.Status {
	return order.Status{
		Number: number, Type: order.New, State: order.DomainValidation, Language: language,
		Domain: "example.co.jp", CertificateEmail: "smime-contact@example.co.jp", ValidityYears: 2, CreatedAt: now.Add(-2 * time.Hour),
		Challenge: &order.ChallengeView{ID: "challenge-1", Sequence: 1, Method: order.DCVEmail, ExpiresAt: now.Add(30 * 24 * time.Hour)},
		Application: order.Application{
			Language:         language,
			Organization:     order.Organization{NameJA: "サンプル商事株式会社", Name: "Sample Trading K.K."},
			Representative:   order.Representative{Department: "情報システム部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin", Email: "representative@example.co.jp"},
			TechnicalContact: order.TechnicalContact{Company: "サンプル商事株式会社", Department: "Systems", Email: "technical@example.co.jp", Telephone: "+81312345678"},
		},
	}
}

// open starts a portal with one order, an approval link and a download link; change may alter its configuration.
func open(t testing.TB, language order.Language, change ...func(*portal.Config)) *site {
	t.Helper()
	s := &site{t: t, engine: &engine{}, log: &logbook{}, approval: secret.Token(), download: secret.Token(), status: secret.Token()}
	s.record = &record{
		links: map[string]order.Link{
			string(secret.Hash(s.approval)): {ID: linkID, Order: number, Purpose: order.LinkApproval, Challenge: "challenge-1", Recipient: "admin@example.co.jp", ExpiresAt: now.Add(24 * time.Hour)},
			string(secret.Hash(s.download)): {ID: "link-2", Order: number, Purpose: order.LinkDownload, ExpiresAt: now.Add(24 * time.Hour)},
			string(secret.Hash(s.status)):   {ID: "link-3", Order: number, Purpose: order.LinkStatus, Recipient: "technical@example.co.jp", ExpiresAt: now.Add(180 * 24 * time.Hour)},
		},
		orders: map[string]order.Status{number: sampleOrder(language)},
		certs:  map[string][]order.Certificate{}, cas: map[string]order.IssuingCA{}, crls: map[string]order.CRL{}, keys: map[string]string{},
	}
	s.desk = &desk{record: s.record}
	var h http.Handler
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	c := portal.Config{
		Brand:   portal.Brand{Name: fault.Text{JA: "サンプル認証局", EN: "Example CA"}, HelpURL: "https://help.example.com/", TermsURL: "https://www.example.com/terms.pdf"},
		Records: s.record, Orders: s.engine, Desk: s.desk, Bundler: labels{},
		Ready: func(context.Context) error { return nil },
		Clock: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		BaseURL: s.URL,
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	h, err = portal.New(c)
	require.NoError(t, err)
	return s
}

// visitor returns a client with cookies of its own.
func (s *site) visitor() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// page is an answer that has been read.
type page struct {
	*http.Response
	text string
}

func (s *site) do(c *http.Client, r *http.Request) page {
	s.t.Helper()
	res, err := c.Do(r)
	require.NoError(s.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return page{Response: res, text: string(body)}
}

func (s *site) request(method, path string, form url.Values) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
	require.NoError(s.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (s *site) get(c *http.Client, path string) page {
	s.t.Helper()
	return s.do(c, s.request(http.MethodGet, path, nil))
}

var hidden = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// press opens the approval page and sends its form as a browser would.
func (s *site) press(c *http.Client, decision string) page {
	s.t.Helper()
	shown := s.get(c, "/approve/"+s.approval)
	require.Equal(s.t, http.StatusOK, shown.StatusCode, shown.text)
	m := hidden.FindStringSubmatch(shown.text)
	require.Len(s.t, m, 2)
	r := s.request(http.MethodPost, "/approve/"+s.approval, url.Values{"form_token": {m[1]}, "decision": {decision}})
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, r)
}

// issue gives the order a certificate from a CA of the test's own, and returns both.
func (s *site) issue(sequence int) (order.Certificate, order.IssuingCA) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	root := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Example Issuing CA", Organization: []string{"Example CA"}}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	require.NoError(s.t, err)
	serial := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(0x5eed), 64), big.NewInt(int64(sequence)))
	leaf := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Sample Trading K.K."}, Country: []string{"JP"}}, EmailAddresses: []string{"smime-contact@example.co.jp"}, NotBefore: now, NotAfter: now.AddDate(2, 0, 0)}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, key)
	require.NoError(s.t, err)
	ca := order.IssuingCA{ID: "0123456789abcdef", DER: rootDER}
	c := order.Certificate{Order: number, Sequence: sequence, Serial: serial.Text(16), Issuer: ca.ID, DER: leafDER, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, IssuedAt: now}
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.certs[number] = append([]order.Certificate{c}, s.record.certs[number]...)
	s.record.cas[ca.ID] = ca
	return c, ca
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := portal.New(portal.Config{Brand: portal.Brand{HelpURL: "javascript:alert(1)"}, BaseURL: "portal.example.jp"})
	for _, field := range []string{"Brand.Name", "Brand.HelpURL", "Brand.TermsURL", "BaseURL", "Records", "Orders", "Desk", "Bundler", "Ready", "Clock", "Logger"} {
		require.ErrorContains(t, err, field)
	}
}

func TestServerBoundsStrangers(t *testing.T) {
	t.Parallel()
	s := portal.Server(http.NotFoundHandler())
	require.NotZero(t, s.ReadHeaderTimeout)
	require.NotZero(t, s.ReadTimeout)
	require.NotZero(t, s.IdleTimeout)
	require.Positive(t, s.MaxHeaderBytes)
	require.Greater(t, s.WriteTimeout, 20*time.Second, "a page that times out must still be answered")
}

func TestHomeShowsSixStepsAndHelp(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	p := s.get(s.visitor(), "/")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, 6, strings.Count(p.text, `<li><svg class="icon"`))
	for _, way := range []string{"/enroll", "/reissue", "/status"} {
		require.Contains(t, p.text, `href="`+way+`"`)
	}
	require.Contains(t, p.text, `href="https://help.example.com/"`)
	require.Contains(t, p.text, "バウチャー")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, path string
		ready       error
		want        int
	}{
		{"a running process is healthy", "/healthz", nil, http.StatusOK},
		{"it stays healthy while the record is away, or it would be restarted for nothing", "/healthz", errors.New("record away"), http.StatusOK},
		{"it is ready when the record answers", "/readyz", nil, http.StatusOK},
		{"it is not ready without the record", "/readyz", errors.New("record away"), http.StatusServiceUnavailable},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese, func(c *portal.Config) { c.Ready = func(context.Context) error { return row.ready } })
			p := s.get(s.visitor(), row.path)
			require.Equal(t, row.want, p.StatusCode)
			require.NotContains(t, p.text, "record away")
		})
	}
}
