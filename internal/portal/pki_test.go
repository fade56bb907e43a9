package portal_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

const caID = "0123456789abcdef"

func TestCACertificateOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	_, ca := s.issue(1)
	p := s.get(s.visitor(), "/ca/"+caID+".cer")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "application/pkix-cert", p.Header.Get("Content-Type"))
	require.Equal(t, string(ca.DER), p.text)
	require.Equal(t, now.AddDate(-1, 0, 0).Format(http.TimeFormat), p.Header.Get("Last-Modified"))
	require.Equal(t, "public, max-age=604800", p.Header.Get("Cache-Control"))
	require.Empty(t, p.Cookies())
}

func TestCRLCaching(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows string
		next  time.Duration
		want  string
	}{
		{"days to go: an hour, so that a list published early is seen", 7 * 24 * time.Hour, "public, max-age=3600"},
		{"minutes to go: never beyond the next update", 10 * time.Minute, "public, max-age=600"},
		{"overdue: served, never cached", -time.Minute, "public, max-age=0"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			s.record.crls[caID] = order.CRL{Issuer: caID, Number: 4, DER: []byte{0x30, 0x01, 0x02}, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(row.next)}
			p := s.get(s.visitor(), "/crl/"+caID+".crl")
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Equal(t, "application/pkix-crl", p.Header.Get("Content-Type"))
			require.Equal(t, "\x30\x01\x02", p.text)
			require.Equal(t, row.want, p.Header.Get("Cache-Control"))
		})
	}
}

func TestCRLIsAskedForConditionally(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	crl := order.CRL{Issuer: caID, DER: []byte("first"), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	s.record.crls[caID] = crl
	c := s.visitor()
	first := s.get(c, "/crl/"+caID+".crl")
	ask := func(header, value string) page {
		r := s.request(http.MethodGet, "/crl/"+caID+".crl", nil)
		r.Header.Set(header, value)
		return s.do(c, r)
	}
	require.Equal(t, http.StatusNotModified, ask("If-None-Match", first.Header.Get("ETag")).StatusCode)
	require.Equal(t, http.StatusNotModified, ask("If-Modified-Since", first.Header.Get("Last-Modified")).StatusCode)

	crl.DER, crl.ThisUpdate = []byte("second"), now
	s.record.mu.Lock()
	s.record.crls[caID] = crl
	s.record.mu.Unlock()
	require.Equal(t, "second", ask("If-None-Match", first.Header.Get("ETag")).text)
	head := s.do(c, s.request(http.MethodHead, "/crl/"+caID+".crl", nil))
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.EqualValues(t, len("second"), head.ContentLength)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.issue(1)
	for _, path := range []string{
		"/ca/ffffffffffffffff.cer", "/ca/0123456789ABCDEF.cer", "/ca/0123456789abcde.cer", "/ca/" + caID, "/ca/" + caID + ".crl",
		"/ca/0123456789abcdeg.cer", "/ca/.cer", "/ca/%2e%2e%2f.cer", "/crl/ffffffffffffffff.crl", "/crl/" + caID + ".cer", "/static/none.css", "/static/..%2fportal.go",
	} {
		require.Equal(t, http.StatusNotFound, s.get(s.visitor(), path).StatusCode, path)
	}
}

func TestCAWhileTheRecordIsAway(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.record.down = fault.New(fault.Unavailable, "record", "停止中", "down").Because(errors.New("host db-1"))
	for _, path := range []string{"/ca/" + caID + ".cer", "/crl/" + caID + ".crl"} {
		p := s.get(s.visitor(), path)
		require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
		require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	}
}
