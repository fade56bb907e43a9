package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	for _, path := range []string{"/", "/approve/" + s.approval, "/nowhere", "/healthz", "/static/style.css"} {
		h := s.get(s.visitor(), path).Header
		csp := h.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", path)
		require.Contains(t, csp, "frame-ancestors 'none'", path)
		require.NotContains(t, csp, "unsafe", path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), path)
		require.Empty(t, h.Get("Strict-Transport-Security"), path+": no TLS, no HSTS")
	}
}

func TestTLSBehindAProxy(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows   string
		trust   bool
		proto   string
		overTLS bool
	}{
		{"the proxy says https", true, "https", true},
		{"the proxy says http", true, "http", false},
		{"nobody trustworthy says https", false, "https", false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese, func(c *portal.Config) { c.TrustProxyTLS = row.trust })
			r := s.request(http.MethodGet, "/approve/"+s.approval, nil)
			r.Header.Set("X-Forwarded-Proto", row.proto)
			p := s.do(s.visitor(), r)
			require.Equal(t, row.overTLS, p.Header.Get("Strict-Transport-Security") != "")
			require.Len(t, p.Cookies(), 1)
			c := p.Cookies()[0]
			require.Equal(t, row.overTLS, c.Secure)
			require.Equal(t, row.overTLS, strings.HasPrefix(c.Name, "__Host-"))
			require.True(t, c.HttpOnly)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		})
	}
}

// TestLogHoldsNothingPersonal: the access log names the route; tokens, queries, addresses and the order's people stay out of it.
func TestLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.issue(1)
	c := s.visitor()
	s.press(c, "approve")
	s.get(c, "/download/"+s.download+"/file?type=p7b&secret=query")
	s.get(c, "/nowhere/with/a/secret-path")
	s.do(c, s.request("SECRETMETHOD", "/", nil))
	log := s.log.String()
	require.Contains(t, log, `route="POST /approve/{token}" method=POST status=200`)
	require.Contains(t, log, `route="GET /download/{token}/file"`)
	for _, private := range []string{s.approval, s.download, "secret", "SECRET", "127.0.0.1", "example.co.jp", "Sample", "申請"} {
		require.NotContains(t, log, private)
	}
}

func TestStylesheetMayBeCached(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	home := s.get(c, "/").text
	_, rest, _ := strings.Cut(home, `rel="stylesheet" href="`)
	href, _, _ := strings.Cut(rest, `"`)
	p := s.get(c, href)
	require.Equal(t, "text/css; charset=utf-8", p.Header.Get("Content-Type"))
	require.Contains(t, p.Header.Get("Cache-Control"), "max-age")
	r := s.request(http.MethodGet, href, nil)
	r.Header.Set("If-None-Match", p.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, s.do(c, r).StatusCode)
}
