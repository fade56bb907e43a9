package portal

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/httprate"
)

// overTLS reports whether the visitor's own connection is TLS.
func (p *portal) overTLS(r *http.Request) bool {
	return r.TLS != nil || p.TrustProxyTLS && r.Header.Get("X-Forwarded-Proto") == "https"
}

// clientKey names who sends the request, for rate limits: the address, for IPv6 its /64. Behind our proxy it is the last
// entry of X-Forwarded-For, the only one that the visitor cannot write.
func (p *portal) clientKey(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if p.TrustProxyTLS {
		lines := r.Header.Values("X-Forwarded-For")
		if len(lines) > 0 {
			entries := strings.Split(lines[len(lines)-1], ",")
			if a, err := netip.ParseAddr(strings.TrimSpace(entries[len(entries)-1])); err == nil {
				host = a.Unmap().WithZone("").String()
			}
		}
	}
	return httprate.CanonicalizeIP(host)
}

// limited bounds how often one address may make a request of this kind in a minute; beyond it an error page answers.
func (p *portal) limited(perMinute int, next http.Handler) http.Handler {
	return p.limitedTo(perMinute, next, func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, errTooMany) })
}

// limitedTo is limited with an answer of the page's own.
func (p *portal) limitedTo(perMinute int, next http.Handler, beyond http.HandlerFunc) http.Handler {
	return httprate.LimitBy(perMinute, time.Minute,
		func(r *http.Request) (string, error) { return p.clientKey(r), nil }, httprate.WithLimitHandler(beyond),
	)(next)
}

// guessing reports whether the address has followed too many links that do not exist. It counts misses only, so that people
// with good links are never stopped by their own work.
func (p *portal) guessing(r *http.Request) bool {
	_, rate, err := p.misses.Status(p.clientKey(r))
	return err != nil || rate+1 > float64(p.Limits.Misses)
}

// missed counts one link that does not exist.
func (p *portal) missed(w http.ResponseWriter, r *http.Request) {
	p.misses.OnLimit(w, r, p.clientKey(r))
}
