package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/miekg/dns"

	"securemailid.example/internal/dcv"
)

const (
	maxRedirects = 5
	maxHeader    = 16 << 10
	maxURL       = 2000
	maxDials     = 3 // addresses of one host that are tried
)

// fetcher gets the file of the file method (G18, A11). It knows no proxy, no cookies, no kept connections and no HTTP/2, and dials only
// addresses that our own resolver gave and the guard allows, so that what was checked is what is dialled.
type fetcher struct {
	dns     *resolver
	guard   guard
	ports   map[string]string
	agent   string
	roots   *x509.CertPool
	timeout time.Duration
	now     func() time.Time
}

// page is the answer at the end of the redirects, its body cut after dcv.MaxFile+1 bytes.
type page struct {
	status   int
	body     []byte
	location string
}

// fetch gets the URL and follows the redirects that A11 allows. token may not appear in where a redirect leads: a server that echoes its
// URL would prove nothing.
func (f *fetcher) fetch(ctx context.Context, start, token string) (page, []dcv.Observation, error) {
	var trail []dcv.Observation
	u, err := url.Parse(start)
	if err != nil {
		return page{}, nil, &trouble{kind: dcv.ResponseMalformed, cause: err}
	}
	for range maxRedirects + 1 {
		p, seen, err := f.get(ctx, u)
		trail = append(trail, seen...)
		if err != nil || !isRedirect(p.status) {
			return p, trail, err
		}
		if u, err = nextURL(u, p.location, token); err != nil {
			trail[len(trail)-1].Problem = dcv.Shorten(err.Error(), shownLength)
			return page{}, trail, err
		}
	}
	return page{}, trail, &trouble{kind: dcv.RedirectTooMany}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	default:
		return false
	}
}

// nextURL is where a redirect leads, if we may follow (A11).
func nextURL(from *url.URL, location, token string) (*url.URL, error) {
	u, err := from.Parse(location)
	if err != nil || location == "" || len(location) > maxURL {
		return nil, &trouble{kind: dcv.RedirectForbidden, cause: errors.New("no usable Location")}
	}
	host, why := allowedHost(u)
	if why == "" && token != "" && strings.Contains(strings.ToLower(u.String()), strings.ToLower(token)) {
		why = "the value is in the URL"
	}
	if why != "" {
		return nil, &trouble{kind: dcv.RedirectForbidden, cause: errors.New(why)}
	}
	u.Host, u.Fragment = host, ""
	return u, nil
}

// allowedHost returns the host of a URL in A-labels, with its port where it has one, or why we may not go there.
func allowedHost(u *url.URL) (host, why string) {
	port := u.Port()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "scheme"
	case u.User != nil:
		return "", "user information"
	case port != "" && port != "80" && port != "443" || strings.HasSuffix(u.Host, ":"):
		return "", "port"
	}
	host, err := toASCII(u.Hostname())
	if err != nil || !hostName.MatchString(host) {
		return "", "host is not a domain name"
	}
	if port != "" {
		host += ":" + port
	}
	return host, ""
}

// hostName is at least two labels in A-labels, the last with a letter: one of digits alone would be part of an IP address.
var hostName = regexp.MustCompile(`^([0-9a-z-]+\.)+[0-9a-z-]*[a-z][0-9a-z-]*$`)

// get makes one request.
func (f *fetcher) get(ctx context.Context, u *url.URL) (page, []dcv.Observation, error) {
	addresses, trail, err := resolve(ctx, f.dns, f.guard, u.Hostname())
	if err != nil {
		return page{}, trail, err
	}
	o := dcv.Observation{At: f.now(), From: addresses[0].String(), Asked: dcv.Shorten(u.String(), 2*shownLength)}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { o.From = i.Conn.RemoteAddr().String() },
	})
	p, err := f.request(ctx, u, addresses)
	if err != nil {
		o.Problem = dcv.Shorten(err.Error(), shownLength)
	} else {
		o.Answer = []string{fmt.Sprintf("HTTP %d", p.status), dcv.Shorten(string(p.body), shownLength)}
	}
	return p, append(trail, o), err
}

func (f *fetcher) request(ctx context.Context, u *url.URL, addresses []netip.Addr) (page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return page{}, &trouble{kind: dcv.ResponseMalformed, cause: err}
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "*/*")
	resp, err := f.transport(addresses).RoundTrip(req)
	if err != nil {
		return page{}, webTrouble(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, dcv.MaxFile+1))
	if err != nil {
		return page{}, webTrouble(err)
	}
	return page{status: resp.StatusCode, body: body, location: resp.Header.Get("Location")}, nil
}

// transport serves one request to one host, whose addresses are already resolved and allowed. An https address that a redirect leads to
// must show a certificate that verifies: TBR-226 3.2.2.4.18 does not ask for it, but unlike an applicant for a TLS certificate the
// domain's owner has no reason to lack one, and without it the redirect would be weaker than it looks.
func (f *fetcher) transport(addresses []netip.Addr) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(hostPort)
			if err != nil {
				return nil, err
			}
			if mapped, ok := f.ports[port]; ok {
				port = mapped
			}
			return f.dial(ctx, network, addresses, port)
		},
		TLSClientConfig:        &tls.Config{RootCAs: f.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    f.timeout,
		ResponseHeaderTimeout:  f.timeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
		DisableCompression:     true, // what is exact needs no decoding, and a bomb none either
	}
}

func (f *fetcher) dial(ctx context.Context, network string, addresses []netip.Addr, port string) (conn net.Conn, err error) {
	dialer := net.Dialer{Timeout: f.timeout}
	for _, a := range addresses[:min(len(addresses), maxDials)] {
		if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// resolve returns the addresses of a host that may be dialled: those of IPv4, or of IPv6 for a host without any. There is at least one
// unless there is an error.
func resolve(ctx context.Context, r *resolver, g guard, host string) ([]netip.Addr, []dcv.Observation, error) {
	var trail []dcv.Observation
	forbidden := false
	for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		rrs, seen, err := r.lookup(ctx, host, rrtype)
		trail = append(trail, seen...)
		if err != nil {
			return nil, trail, err
		}
		var allowed []netip.Addr
		for _, rr := range rrs {
			if a, ok := address(rr); ok && g.allows(a) {
				allowed = append(allowed, a)
			} else {
				forbidden = true
			}
		}
		if len(allowed) > 0 {
			return allowed, trail, nil
		}
	}
	if forbidden {
		return nil, trail, &trouble{kind: dcv.AddressForbidden}
	}
	return nil, trail, &trouble{kind: dcv.AddressMissing}
}

// address reads an A or AAAA record. An AAAA record stays 16 bytes long, so that the guard sees a v4-mapped address as what it is.
func address(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(rr.A.To4())
		return a, ok
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA.To16())
	default:
		return netip.Addr{}, false
	}
}

// webTrouble says in which of the ways known to dcv a request failed.
func webTrouble(err error) error {
	op, isOp := errors.AsType[*net.OpError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	kind := dcv.ResponseMalformed
	switch {
	case isOp && op.Op == "dial":
		kind = dcv.ConnectFailed
	case unverified || alert:
		kind = dcv.TLSFailed
	case isNet && netErr.Timeout():
		kind = dcv.ResponseTimeout
	}
	return &trouble{kind: kind, cause: err}
}
