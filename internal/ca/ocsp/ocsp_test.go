package ocsp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xocsp "golang.org/x/crypto/ocsp"
	"pgregory.net/rapid"

	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/ca/ocsp"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

var errAway = fault.New(fault.Unavailable, "record.unavailable", "", "the database does not answer")

func TestTheResponderSaysWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	s := ready(t)
	s.set("5b", noon.Add(-time.Hour), order.ReasonKeyCompromise)
	s.set("5c", noon.Add(-time.Hour), order.ReasonUnspecified)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		for _, ask := range []func([]byte) *httptest.ResponseRecorder{s.post, func(der []byte) *httptest.ResponseRecorder { return s.get(encoded(der)) }} {
			good := s.status(ask(s.request("5a", hash)))
			require.Equal(t, xocsp.Good, good.Status)
			require.Equal(t, hash, good.IssuerHash, "the answer names the certificate as the question did")
			require.Equal(t, noon.Truncate(time.Minute), good.ThisUpdate)
			require.Equal(t, 48*time.Hour, good.NextUpdate.Sub(good.ThisUpdate))
			revoked := s.status(ask(s.request("5b", hash)))
			require.Equal(t, xocsp.Revoked, revoked.Status)
			require.Equal(t, xocsp.KeyCompromise, revoked.RevocationReason)
			require.True(t, revoked.RevokedAt.Equal(noon.Add(-time.Hour)))
			require.Equal(t, xocsp.Unspecified, s.status(ask(s.request("5c", hash))).RevocationReason)
		}
	}
}

func TestTheSignerIsADelegatedResponder(t *testing.T) {
	t.Parallel()
	s := ready(t)
	signer := s.status(s.post(s.request("5a", crypto.SHA1))).Certificate
	require.NotNil(t, signer, "the client can verify without asking further")
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, signer.ExtKeyUsage)
	require.Equal(t, x509.KeyUsageDigitalSignature, signer.KeyUsage)
	require.False(t, signer.IsCA)
	require.Equal(t, 30*24*time.Hour-time.Second, signer.NotAfter.Sub(signer.NotBefore))
	require.True(t, signer.NotBefore.Equal(noon))
	require.Empty(t, signer.CRLDistributionPoints)
	nocheck := false
	for _, e := range signer.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.48.1.5" {
			nocheck = !e.Critical && bytes.Equal(e.Value, []byte{5, 0})
		}
	}
	require.True(t, nocheck, "RFC 6960 4.2.2.2.1")
	require.Equal(t, 2048, signer.PublicKey.(*rsa.PublicKey).N.BitLen())
	info, err := os.Stat(filepath.Join(s.dir, s.ca.ID()+".key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestWhatWasNeverIssuedIsNeverGood(t *testing.T) {
	t.Parallel()
	s := ready(t)
	rapid.Check(t, func(rt *rapid.T) {
		serial := rapid.StringMatching(`[1-9a-f][0-9a-f]{2,38}`).Draw(rt, "serial")
		require.Equal(rt, xocsp.Unauthorized, s.refusal(s.post(s.request(serial, crypto.SHA1))))
	})
	other := catest.Material(t, policy.PublicTrust).Issuing
	der, err := xocsp.CreateRequest(&x509.Certificate{SerialNumber: other.SerialNumber}, other, nil)
	require.NoError(t, err)
	require.Equal(t, xocsp.Unauthorized, s.refusal(s.post(der)), "another CA's certificate")
	before := s.looked
	for _, hash := range []crypto.Hash{crypto.SHA384, crypto.SHA512} {
		require.Equal(t, xocsp.Unauthorized, s.refusal(s.post(s.request("5a", hash))), "a hash by which nobody is known here")
	}
	require.Equal(t, before, s.looked, "a stranger's CA costs no query")
}

func TestWhatIsNoRequestIsMalformed(t *testing.T) {
	t.Parallel()
	s := ready(t)
	der := s.request("5a", crypto.SHA1)
	for why, body := range map[string][]byte{
		"nothing": nil, "no DER": []byte("hello"), "half a request": der[:len(der)/2], "something behind it": append(bytes.Clone(der), 5, 0),
		"too much": bytes.Repeat([]byte{0x30}, 11<<10),
	} {
		require.Equal(t, xocsp.Malformed, s.refusal(s.post(body)), why)
	}
	for _, path := range []string{"", "%%", "!!", encoded(der)[:20], strings.Repeat("MM", 11<<10)} {
		u := strings.ReplaceAll(path, "%", "%25")
		require.Equal(t, xocsp.Malformed, s.refusal(s.get(u)), path)
	}
	q := httptest.NewRequest(http.MethodPost, ocsp.Path, bytes.NewReader(der))
	require.Equal(t, http.StatusUnsupportedMediaType, s.serve(q).Code)
	require.Equal(t, http.StatusMethodNotAllowed, s.serve(httptest.NewRequest(http.MethodPut, ocsp.Path, bytes.NewReader(der))).Code)
}

// Clients and proxies write base64 into a path in many ways.
func TestAGetIsReadHoweverItIsEncoded(t *testing.T) {
	t.Parallel()
	s := ready(t)
	seen := map[string]bool{}
	for i := range 500 { // until every awkward character has been seen
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		serial := "5" + hex.EncodeToString(sum[:15+i%3])
		s.set(serial, time.Time{}, 0)
		text := encoded(s.request(serial, crypto.SHA1))
		for _, awkward := range []string{"+", "/", "//", "="} {
			if !strings.Contains(text, awkward) || seen[awkward] {
				continue
			}
			seen[awkward] = true
			all := strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D")
			for why, path := range map[string]string{
				"as it is": text, "percent-encoded": all.Replace(text), "in lower case": strings.NewReplacer("+", "%2b", "/", "%2f", "=", "%3d").Replace(text),
				"twice": strings.ReplaceAll(all.Replace(text), "%", "%25"), "without padding": strings.TrimRight(text, "="),
				"with a slash before it": "/" + text, "with a plus read as a blank": strings.ReplaceAll(text, "+", "%20"),
			} {
				require.Equal(t, xocsp.Good, s.status(s.get(path)).Status, "%s: %s", why, path)
			}
		}
	}
	require.Contains(t, seen, "+")
	require.Contains(t, seen, "/")
	require.Contains(t, seen, "=")
}

func TestHTTPCachesAreToldWhatTheyMay(t *testing.T) {
	t.Parallel()
	s := ready(t)
	path := encoded(s.request("5a", crypto.SHA1))
	first := s.get(path)
	h := first.Header()
	require.Equal(t, "max-age=3600, public, no-transform, must-revalidate", h.Get("Cache-Control"))
	require.Equal(t, "Sun, 22 Nov 2026 12:00:00 GMT", h.Get("Last-Modified"), "thisUpdate")
	require.Equal(t, "Tue, 24 Nov 2026 12:00:00 GMT", h.Get("Expires"), "nextUpdate (RFC 5019 6.2)")
	for why, row := range map[string]struct {
		name, value string
		code        int
	}{
		"its entity tag":         {"If-None-Match", h.Get("Etag"), http.StatusNotModified},
		"one of several":         {"If-None-Match", `"other", ` + h.Get("Etag"), http.StatusNotModified},
		"another entity tag":     {"If-None-Match", `"other"`, http.StatusOK},
		"its time":               {"If-Modified-Since", h.Get("Last-Modified"), http.StatusNotModified},
		"an earlier time":        {"If-Modified-Since", "Sun, 22 Nov 2026 11:59:59 GMT", http.StatusOK},
		"a time that is no time": {"If-Modified-Since", "yesterday", http.StatusOK},
	} {
		w := s.get(path, row.name, row.value)
		require.Equal(t, row.code, w.Code, why)
		if row.code == http.StatusNotModified {
			require.Empty(t, w.Body.Bytes(), why)
			require.Equal(t, h.Get("Etag"), w.Header().Get("Etag"), why)
		}
	}
	q := httptest.NewRequest(http.MethodHead, ocsp.Path+"/"+path, nil)
	head := s.serve(q)
	require.Empty(t, head.Body.Bytes())
	require.Equal(t, h.Get("Content-Length"), head.Header().Get("Content-Length"))
}

func TestAnAnswerIsSignedOnceAndRefreshedInTime(t *testing.T) {
	t.Parallel()
	s := ready(t)
	ask := func() []byte { return s.post(s.request("5a", crypto.SHA1)).Body.Bytes() }
	first := ask()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { _ = s.post(s.request("5a", crypto.SHA256)) })
	}
	group.Wait()
	for range 10 {
		require.Equal(t, first, ask())
	}
	require.Equal(t, 2, s.looked, "once for each form of the question")
	s.later(23 * time.Hour)
	require.Equal(t, first, ask())
	s.later(time.Hour)
	second := ask()
	require.NotEqual(t, first, second, "a day old, a day before its end (SBR 4.9.10)")
	require.Equal(t, 3, s.looked)
}

func TestARevocationIsSeenSoon(t *testing.T) {
	t.Parallel()
	s := ready(t, func(c *ocsp.Config) { c.Poll = time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.r.Run(ctx) })
	defer running.Wait()
	defer stop()
	require.Equal(t, xocsp.Good, s.status(s.post(s.request("5a", crypto.SHA1))).Status)
	s.set("5a", noon, order.ReasonSuperseded)
	require.Eventually(t, func() bool { return s.status(s.post(s.request("5a", crypto.SHA1))).Status == xocsp.Revoked }, 10*time.Second, time.Millisecond)
	s.set("5a", noon, order.ReasonKeyCompromise)
	require.Eventually(t, func() bool {
		return s.status(s.post(s.request("5a", crypto.SHA1))).RevocationReason == xocsp.KeyCompromise
	}, 10*time.Second, time.Millisecond)
}

func TestWithoutItsRecordTheResponderGivesWhatItHas(t *testing.T) {
	t.Parallel()
	s := ready(t)
	s.set("5b", time.Time{}, 0)
	first := s.post(s.request("5a", crypto.SHA1)).Body.Bytes()
	s.do(func() { s.away = errAway })
	require.Equal(t, xocsp.TryLater, s.refusal(s.post(s.request("5b", crypto.SHA1))), "what it does not have")
	s.later(47 * time.Hour)
	require.Equal(t, first, s.post(s.request("5a", crypto.SHA1)).Body.Bytes(), "old, and still valid")
	s.later(time.Hour)
	require.Equal(t, xocsp.TryLater, s.refusal(s.post(s.request("5a", crypto.SHA1))), "what has ended is not given out")
	s.do(func() { s.away = nil })
	require.Equal(t, xocsp.Good, s.status(s.post(s.request("5a", crypto.SHA1))).Status)
}

func TestTheSignerIsRenewedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	s := ready(t)
	signer := func() *x509.Certificate { return s.status(s.post(s.request("5a", crypto.SHA1))).Certificate }
	first := signer()
	s.later(19 * 24 * time.Hour)
	require.NoError(t, s.r.Refresh(t.Context()))
	require.Equal(t, first.Raw, signer().Raw)
	s.restart()
	require.NoError(t, s.r.Refresh(t.Context()))
	require.Equal(t, first.Raw, signer().Raw, "a restart needs no new key")
	require.Equal(t, 1, s.asked)

	s.later(36 * time.Hour) // less than ten days are left
	s.do(func() { s.mute = errors.New("Temporal is away") })
	require.Error(t, s.r.Refresh(t.Context()))
	require.Equal(t, first.Raw, signer().Raw, "the old one serves meanwhile")
	next, err := os.ReadFile(filepath.Join(s.dir, s.ca.ID()+".next.key"))
	require.NoError(t, err)
	s.do(func() { s.mute = nil })
	s.restart() // cut off between the key and its certificate
	require.NoError(t, s.r.Refresh(t.Context()))
	second := signer()
	require.NotEqual(t, first.Raw, second.Raw)
	now, err := os.ReadFile(filepath.Join(s.dir, s.ca.ID()+".key"))
	require.NoError(t, err)
	require.Equal(t, next, now, "it goes on with the key that it had made")
	require.Equal(t, 2, s.asked)
}

func TestWithoutASignerNothingIsSigned(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.do(func() { s.mute = errors.New("Temporal is away") })
	require.Error(t, s.r.Refresh(t.Context()))
	require.False(t, s.r.Ready())
	require.Equal(t, xocsp.TryLater, s.refusal(s.post(s.request("5a", crypto.SHA1))))
	s.do(func() { s.mute = nil })
	require.NoError(t, s.r.Refresh(t.Context()))
	require.Equal(t, xocsp.Good, s.status(s.post(s.request("5a", crypto.SHA1))).Status)
	s.do(func() { s.mute = errors.New("for a month") })
	s.later(31 * 24 * time.Hour)
	require.False(t, s.r.Ready())
	require.Equal(t, xocsp.TryLater, s.refusal(s.post(s.request("5a", crypto.SHA1))), "its certificate has ended")
}

func TestAnAnswerEndsBeforeItsSigner(t *testing.T) {
	t.Parallel()
	s := ready(t)
	s.do(func() { s.mute = errors.New("away") })
	s.later(29 * 24 * time.Hour)
	got := s.status(s.post(s.request("5a", crypto.SHA1)))
	require.False(t, got.NextUpdate.After(got.Certificate.NotAfter))
}

func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	s := ready(t)
	require.NoError(t, os.Chmod(filepath.Join(s.dir, s.ca.ID()+".key"), 0o644))
	s.restart()
	require.ErrorContains(t, s.r.Refresh(t.Context()), "only its owner")
	require.False(t, s.r.Ready())
}

func TestTheMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := ready(t, func(c *ocsp.Config) { c.Kept = 2 })
	for _, serial := range []string{"61", "62", "63", "64"} {
		s.set(serial, time.Time{}, 0)
	}
	for range 2 {
		for _, serial := range []string{"61", "62", "63", "64"} {
			require.Equal(t, xocsp.Good, s.status(s.post(s.request(serial, crypto.SHA1))).Status)
		}
	}
	require.GreaterOrEqual(t, s.looked, 6, "four were made, and at most two of them kept")
}

func TestNumbersThatAreMadeUpTakeNoRoom(t *testing.T) {
	t.Parallel()
	s := ready(t, func(c *ocsp.Config) { c.Kept = 1 })
	first := s.post(s.request("5a", crypto.SHA1)).Body.Bytes()
	for i := range 300 {
		require.Equal(t, xocsp.Unauthorized, s.refusal(s.post(s.request(fmt.Sprintf("6%04x", i), crypto.SHA1))))
	}
	looked := s.looked
	require.Equal(t, first, s.post(s.request("5a", crypto.SHA1)).Body.Bytes())
	require.Equal(t, looked, s.looked, "what was kept still is")
}

func TestTheCACertifiesSignersOnly(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: s.issuing().Subject, EmailAddresses: []string{"info@example.co.jp"}, DNSNames: []string{"example.co.jp"},
	}, key)
	require.NoError(t, err)
	rc, err := s.ca.CertifyResponder(t.Context(), der, noon)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(rc.DER)
	require.NoError(t, err)
	require.Empty(t, cert.EmailAddresses)
	require.Empty(t, cert.DNSNames)
	require.NotEqual(t, s.issuing().Subject.CommonName, cert.Subject.CommonName, "what the request says is not looked at")
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, cert.ExtKeyUsage)
	require.Equal(t, rc.Serial, cert.SerialNumber.Text(16))
	_, err = s.ca.CertifyResponder(t.Context(), append(der[:len(der)-1:len(der)-1], der[len(der)-1]^1), noon)
	require.Equal(t, fault.Invalid, fault.KindOf(err), "without proof that the key is held")
	late, err := s.ca.CertifyResponder(t.Context(), der, s.issuing().NotAfter.Add(-time.Hour))
	require.NoError(t, err)
	require.True(t, late.NotAfter.Equal(s.issuing().NotAfter), "no signer outlives its CA")
	_, err = s.ca.CertifyResponder(t.Context(), der, s.issuing().NotAfter)
	require.Equal(t, fault.Conflict, fault.KindOf(err))
}

func TestOpenSSLAgrees(t *testing.T) {
	t.Parallel()
	path, dir := need.Program(t, "openssl", "openssl"), t.TempDir()
	s := ready(t)
	s.do(func() { s.now = time.Now() }) // OpenSSL has no other clock
	s.restart()
	s.do(func() { s.signers = map[string]order.ResponderCertificate{} })
	require.NoError(t, os.RemoveAll(s.dir))
	require.NoError(t, s.r.Refresh(t.Context()))
	s.set("5b", time.Now().Add(-time.Hour), order.ReasonCessationOfOperation)
	server := httptest.NewServer(s.r)
	defer server.Close()
	for name, cert := range map[string]*x509.Certificate{"issuing.pem": s.issuing(), "root.pem": catest.Material(t, policy.Guide).Root} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
	}
	ask := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), path, append([]string{"ocsp", "-issuer", "issuing.pem", "-CAfile", "root.pem", "-verify_other", "issuing.pem",
			"-url", server.URL + ocsp.Path}, args...)...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	for _, hash := range []string{"-sha1", "-sha256"} {
		good := ask(hash, "-serial", "0x5a")
		require.Contains(t, good, "Response verify OK")
		require.Contains(t, good, "0x5a: good")
		revoked := ask(hash, "-serial", "0x5b", "-no_nonce")
		require.Contains(t, revoked, "0x5b: revoked")
		require.Contains(t, revoked, "Reason: cessationOfOperation")
		require.Contains(t, ask(hash, "-serial", "0x5d"), "unauthorized")
	}
	require.Contains(t, ask("-sha1", "-serial", "0x5a", "-sha1", "-serial", "0x5b"), "malformedrequest", "one certificate at a time (RFC 5019)")
}

func FuzzRequest(f *testing.F) {
	s := ready(f)
	f.Add(s.request("5a", crypto.SHA1))
	f.Add(s.request("5a", crypto.SHA256))
	f.Add(s.request("5d", crypto.SHA1))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		s.t = t
		for _, w := range []*httptest.ResponseRecorder{s.post(der), s.get(strings.NewReplacer("+", "%2B").Replace(encoded(der)))} {
			require.Equal(t, http.StatusOK, w.Code)
			got, err := xocsp.ParseResponse(w.Body.Bytes(), s.issuing())
			var refused xocsp.ResponseError
			if errors.As(err, &refused) {
				require.Contains(t, []xocsp.ResponseStatus{xocsp.Malformed, xocsp.Unauthorized}, refused.Status)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, "5a", got.SerialNumber.Text(16), "nothing else was issued")
		}
	})
}

func FuzzPath(f *testing.F) {
	s := ready(f)
	f.Add(encoded(s.request("5a", crypto.SHA1)))
	f.Add("//" + encoded(s.request("5a", crypto.SHA256)))
	f.Add("%2B%252F")
	f.Fuzz(func(t *testing.T, path string) {
		s.t = t
		q := httptest.NewRequest(http.MethodGet, "/", nil)
		q.URL.Path = ocsp.Path + "/" + path
		require.Equal(t, http.StatusOK, s.serve(q).Code)
	})
}
