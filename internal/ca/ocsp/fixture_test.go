package ocsp_test

import (
	"context"
	"crypto"
	"encoding/base64"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	xocsp "golang.org/x/crypto/ocsp"

	"crypto/x509"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/ca/ocsp"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)

// world is a record in memory and a CA, each of which can be away, and counts what is asked of them.
type world struct {
	t  testing.TB
	ca *ca.CA

	mu       sync.Mutex
	now      time.Time
	statuses map[string]order.CertificateStatus
	changed  []order.CertificateStatus
	signers  map[string]order.ResponderCertificate
	away     error // the record answers so
	mute     error // the CA answers so
	looked   int   // certificates looked up
	asked    int   // signers certified
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: noon, statuses: map[string]order.CertificateStatus{}, signers: map[string]order.ResponderCertificate{}}
	w.ca = catest.New(t, func(c *ca.Config) { c.Clock = w.clock })
	w.set("5a", time.Time{}, 0)
	return w
}

func (w *world) do(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }

func (w *world) clock() (now time.Time) { w.do(func() { now = w.now }); return now }

func (w *world) later(d time.Duration) { w.do(func() { w.now = w.now.Add(d) }) }

func (w *world) set(serial string, revoked time.Time, reason order.RevocationReason) {
	w.do(func() {
		st := order.CertificateStatus{Issuer: w.ca.ID(), Serial: serial, RevokedAt: revoked, Reason: reason}
		w.statuses[serial], w.changed = st, append(w.changed, st)
	})
}

func (w *world) IssuingCAs(context.Context) ([]order.IssuingCA, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []order.IssuingCA{w.ca.Describe()}, w.away
}

func (w *world) Responder(_ context.Context, _ string, key []byte) (order.ResponderCertificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rc, ok := w.signers[string(key)]
	switch {
	case w.away != nil:
		return rc, w.away
	case !ok:
		return rc, fault.New(fault.NotFound, "ocsp.no-signer", "", "")
	}
	return rc, nil
}

func (w *world) CertificateStatus(_ context.Context, issuer, serial string) (order.CertificateStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked++
	st, ok := w.statuses[serial]
	switch {
	case w.away != nil:
		return st, w.away
	case !ok || issuer != w.ca.ID():
		return st, fault.New(fault.NotFound, "certificate.unknown", "", "")
	}
	return st, nil
}

func (w *world) StatusChanges(_ context.Context, since time.Time) ([]order.CertificateStatus, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since.IsZero() {
		return nil, w.now, w.away
	}
	return append([]order.CertificateStatus{}, w.changed...), w.now, w.away
}

func (w *world) certify(ctx context.Context, issuer string, request []byte) error {
	var mute error
	w.do(func() { mute = w.mute })
	if mute != nil {
		return mute
	}
	require.Equal(w.t, w.ca.ID(), issuer)
	rc, err := w.ca.CertifyResponder(ctx, request, w.clock())
	w.do(func() { w.asked++; w.signers[string(rc.Key)] = rc })
	return err
}

// scene is a responder in its world.
type scene struct {
	*world
	r   *ocsp.Responder
	dir string
}

func newScene(t testing.TB, options ...func(*ocsp.Config)) *scene {
	t.Helper()
	s := &scene{world: newWorld(t), dir: filepath.Join(t.TempDir(), "ocsp")}
	s.restart(options...)
	return s
}

// restart is the process that ends and starts again.
func (s *scene) restart(options ...func(*ocsp.Config)) {
	s.t.Helper()
	book, ok := policy.Open(policy.Guide)
	require.True(s.t, ok)
	cfg := ocsp.Config{Records: s.world, Certify: s.certify, Dir: s.dir, Rules: book, Clock: s.clock, Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&cfg)
	}
	r, err := ocsp.New(cfg)
	require.NoError(s.t, err)
	s.r = r
}

// ready is newScene with a signer.
func ready(t testing.TB, options ...func(*ocsp.Config)) *scene {
	t.Helper()
	s := newScene(t, options...)
	require.NoError(t, s.r.Refresh(t.Context()))
	require.True(t, s.r.Ready())
	return s
}

// issuing is the certificate of the CA.
func (w *world) issuing() *x509.Certificate {
	w.t.Helper()
	cert, err := x509.ParseCertificate(w.ca.Describe().DER)
	require.NoError(w.t, err)
	return cert
}

// request is what a client asks about the serial, hex.
func (w *world) request(serial string, hash crypto.Hash) []byte {
	w.t.Helper()
	n, ok := new(big.Int).SetString(serial, 16)
	require.True(w.t, ok)
	der, err := xocsp.CreateRequest(&x509.Certificate{SerialNumber: n}, w.issuing(), &xocsp.RequestOptions{Hash: hash})
	require.NoError(w.t, err)
	return der
}

func (s *scene) serve(q *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.r.ServeHTTP(w, q)
	return w
}

func (s *scene) post(der []byte) *httptest.ResponseRecorder {
	q := httptest.NewRequest(http.MethodPost, ocsp.Path, strings.NewReader(string(der)))
	q.Header.Set("Content-Type", "application/ocsp-request")
	return s.serve(q)
}

// get asks by the path as it stands on the wire.
func (s *scene) get(escaped string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	q := httptest.NewRequest(http.MethodGet, "/", nil)
	u, err := url.ParseRequestURI(ocsp.Path + "/" + escaped)
	require.NoError(s.t, err)
	q.URL = u
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	return s.serve(q)
}

func encoded(der []byte) string { return base64.StdEncoding.EncodeToString(der) }

// status parses and verifies an answer as a client does.
func (s *scene) status(w *httptest.ResponseRecorder) *xocsp.Response {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, w.Code)
	require.Equal(s.t, "application/ocsp-response", w.Header().Get("Content-Type"))
	out, err := xocsp.ParseResponse(w.Body.Bytes(), s.issuing())
	require.NoError(s.t, err)
	return out
}

// refusal is the status of an unsigned answer.
func (s *scene) refusal(w *httptest.ResponseRecorder) xocsp.ResponseStatus {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, w.Code)
	require.Equal(s.t, "no-store", w.Header().Get("Cache-Control"), "nobody may keep a failure")
	_, err := xocsp.ParseResponse(w.Body.Bytes(), nil)
	var refused xocsp.ResponseError
	require.ErrorAs(s.t, err, &refused)
	return refused.Status
}
