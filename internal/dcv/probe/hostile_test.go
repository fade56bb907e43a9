package probe_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/devstack/netlab"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// rawDNS is a resolver that answers each UDP packet with whatever packets answer returns, and, when tcp is given, each TCP message with
// what that returns; nil closes the connection.
func rawDNS(t testing.TB, answer func(q *dns.Msg) [][]byte, tcp func(q *dns.Msg) []byte) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	require.NoError(t, err)
	done := make(chan struct{}, 2)
	t.Cleanup(func() {
		require.NoError(t, errors.Join(pc.Close(), ln.Close()))
		<-done
		<-done
	})
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if q.Unpack(buf[:n]) != nil {
				continue
			}
			for _, packet := range answer(q) {
				_, _ = pc.WriteTo(packet, from)
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c := &dns.Conn{Conn: conn}
			if q, err := c.ReadMsg(); err == nil && tcp != nil {
				if raw := tcp(q); raw != nil {
					_, _ = c.Write(raw)
				}
			}
			_ = c.Close()
		}
	}()
	return ln.Addr().String()
}

func silentDNS(t testing.TB) string {
	t.Helper()
	return rawDNS(t, func(*dns.Msg) [][]byte { return nil }, nil)
}

// reply packs an answer to q after change had its way with it.
func reply(q *dns.Msg, change func(*dns.Msg)) []byte {
	m := new(dns.Msg).SetReply(q)
	if q.Question[0].Qtype == dns.TypeTXT {
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{token}}}
	}
	if change != nil {
		change(m)
	}
	raw, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return raw
}

func alias(name, target string) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target}
}

// Each row is a resolver that misbehaves for the domain but answers the question for the root, so that the fault is the domain's.
func TestHostileDNS(t *testing.T) {
	t.Parallel()
	aliases := 0
	for _, row := range []struct {
		says   string
		answer func(q *dns.Msg) [][]byte
		tcp    func(q *dns.Msg) []byte
		code   string
	}{
		{"well behaved", func(q *dns.Msg) [][]byte { return [][]byte{reply(q, nil)} }, nil, dcv.CodeMatch},
		{"silence", func(*dns.Msg) [][]byte { return nil }, nil, dcv.CodeUnreachable},
		{"a wrong ID before the right one", func(q *dns.Msg) [][]byte {
			forged := reply(q, func(m *dns.Msg) { m.Id++; m.Answer = nil })
			return [][]byte{forged, reply(q, nil)}
		}, nil, dcv.CodeMatch},
		{"only a wrong ID", func(q *dns.Msg) [][]byte { return [][]byte{reply(q, func(m *dns.Msg) { m.Id++ })} }, nil, dcv.CodeUnreachable},
		{"the answer to another question", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Question[0].Name = "example.com." })}
		}, nil, dcv.CodeUnreachable},
		{"another type", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA })}
		}, nil, dcv.CodeUnreachable},
		{"a question instead of an answer", func(q *dns.Msg) [][]byte { return [][]byte{reply(q, func(m *dns.Msg) { m.Response = false })} }, nil, dcv.CodeUnreachable},
		{"the value at another name", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Answer[0].Header().Name = "example.com." })}
		}, nil, dcv.CodeMissing},
		{"garbage", func(*dns.Msg) [][]byte { return [][]byte{[]byte("HTTP/1.1 200 OK\r\n\r\n")} }, nil, dcv.CodeUnreachable},
		{"a cut packet", func(q *dns.Msg) [][]byte { r := reply(q, nil); return [][]byte{r[:len(r)-5]} }, nil, dcv.CodeUnreachable},
		{"an empty packet", func(*dns.Msg) [][]byte { return [][]byte{{}} }, nil, dcv.CodeUnreachable},
		{"SERVFAIL with the value in it", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })}
		}, nil, dcv.CodeUnreachable},
		{"REFUSED", func(q *dns.Msg) [][]byte { return [][]byte{reply(q, func(m *dns.Msg) { m.Rcode = dns.RcodeRefused })} }, nil, dcv.CodeUnreachable},
		{"NXDOMAIN", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeNameError, nil })}
		}, nil, dcv.CodeMissing},
		{"truncated, whole over TCP", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Truncated, m.Answer = true, nil })}
		}, func(q *dns.Msg) []byte { return reply(q, nil) }, dcv.CodeMatch},
		{"truncated in the middle of a record, whole over TCP", func(q *dns.Msg) [][]byte {
			r := reply(q, func(m *dns.Msg) { m.Truncated = true })
			return [][]byte{r[:len(r)-5]}
		}, func(q *dns.Msg) []byte { return reply(q, nil) }, dcv.CodeMatch},
		{"truncated, and over TCP again", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Truncated = true })}
		}, func(q *dns.Msg) []byte { return reply(q, func(m *dns.Msg) { m.Truncated = true }) }, dcv.CodeUnreachable},
		{"truncated, with a wrong ID over TCP", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Truncated = true })}
		}, func(q *dns.Msg) []byte { return reply(q, func(m *dns.Msg) { m.Id++ }) }, dcv.CodeUnreachable},
		{"truncated, and TCP hangs up", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) { m.Truncated = true })}
		}, nil, dcv.CodeUnreachable},
		{"an alias whose target is left to us", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) {
				if q.Question[0].Name == "example.jp." {
					m.Answer = []dns.RR{alias("example.jp.", "example.com.")}
				}
			})}
		}, nil, dcv.CodeMatch},
		{"aliases in a ring", func(q *dns.Msg) [][]byte {
			return [][]byte{reply(q, func(m *dns.Msg) {
				m.Answer = []dns.RR{alias("example.jp.", "b.example.jp."), alias("b.example.jp.", "example.jp.")}
			})}
		}, nil, dcv.CodeRefused},
		{"aliases without end", func(q *dns.Msg) [][]byte {
			aliases++
			return [][]byte{reply(q, func(m *dns.Msg) {
				m.Answer = []dns.RR{alias(q.Question[0].Name, fmt.Sprintf("a%d.example.jp.", aliases))}
			})}
		}, nil, dcv.CodeRefused},
	} {
		addr := rawDNS(t, func(q *dns.Msg) [][]byte {
			if q.Question[0].Name == "." {
				return [][]byte{reply(q, nil)}
			}
			return row.answer(q)
		}, row.tcp)
		p := newProber(t, probe.Config{Resolvers: []string{addr}, Timeout: 300 * time.Millisecond})
		t.Run(row.says, func(t *testing.T) {
			t.Parallel()
			f := probeFor(t, p, challenge(order.DCVTXT, "example.jp"), row.code)
			require.LessOrEqual(t, len(f.Observations), 24)
		})
	}
}

// NSD answers a question for an alias like this when it also has the zone of the missing target: the response code speaks of the end
// of the chain (RFC 6604), the alias is there.
func TestAnAliasToNowhereIsStillAnAlias(t *testing.T) {
	t.Parallel()
	addr := rawDNS(t, func(q *dns.Msg) [][]byte {
		return [][]byte{reply(q, func(m *dns.Msg) {
			m.Rcode, m.Answer = dns.RcodeNameError, []dns.RR{alias(q.Question[0].Name, target+".")}
		})}
	}, nil)
	probeFor(t, newProber(t, probe.Config{Resolvers: []string{addr}}), challenge(order.DCVCNAME, "example.jp"), dcv.CodeMatch)
}

// A resolver that answers nobody is our trouble; one that refuses us altogether as well.
func TestADeafResolverIsNotTheDomainsFault(t *testing.T) {
	t.Parallel()
	refusing := rawDNS(t, func(q *dns.Msg) [][]byte { return [][]byte{reply(q, func(m *dns.Msg) { m.Rcode = dns.RcodeRefused })} }, nil)
	for says, addr := range map[string]string{"silent": silentDNS(t), "refusing": refusing} {
		p := newProber(t, probe.Config{Resolvers: []string{addr}, Timeout: 50 * time.Millisecond})
		_, err := p.Probe(t.Context(), challenge(order.DCVTXT, "example.jp"))
		require.Equal(t, fault.Unavailable, fault.KindOf(err), says)
	}
}

// A lost packet is asked for again.
func TestAQuestionIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	addr := rawDNS(t, func(q *dns.Msg) [][]byte {
		if asked.Add(1) == 1 {
			return nil
		}
		return [][]byte{reply(q, nil)}
	}, nil)
	p := newProber(t, probe.Config{Resolvers: []string{addr}, Timeout: 200 * time.Millisecond})
	f := probeFor(t, p, challenge(order.DCVTXT, "example.jp"), dcv.CodeMatch)
	require.Len(t, f.Observations, 2)
	require.Contains(t, f.Observations[0].Problem, "timeout")
}

// C9: whatever keeps the CAA records from us, we do not issue.
func TestCAAFailsClosed(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*dns.Msg){
		"SERVFAIL": func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure },
		"REFUSED":  func(m *dns.Msg) { m.Rcode = dns.RcodeRefused },
		"cut off":  func(m *dns.Msg) { m.Truncated = true },
		"a ring":   func(m *dns.Msg) { m.Answer = []dns.RR{alias("example.jp.", "example.jp.")} },
	} {
		addr := rawDNS(t, func(q *dns.Msg) [][]byte {
			if q.Question[0].Name != "example.jp." {
				return [][]byte{reply(q, nil)}
			}
			return [][]byte{reply(q, change)}
		}, func(q *dns.Msg) []byte { return reply(q, change) })
		p := newProber(t, probe.Config{Resolvers: []string{addr}, CAAIssuers: []string{issuer}})
		d, err := p.CheckCAA(t.Context(), "mail.example.jp")
		require.Equal(t, fault.Unavailable, fault.KindOf(err), says)
		require.False(t, d.Permitted, says)
		require.Equal(t, dcv.CAALookupFailed, d.Code, says)
	}
}

// DNSSEC is not taken on trust: without a proof that the resolver validates nothing counts (C10, C11).
func TestAResolverMustProveThatItValidates(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says       string
		validating bool
	}{{"does", true}, {"does not", false}} {
		lab := startLab(t, netlab.Options{Validating: row.validating})
		require.NoError(t, lab.SetTXT("example.jp", token))
		config := forLab(t, lab)
		config.RequireDNSSEC = true
		p := newProber(t, config)
		f, err := p.Probe(t.Context(), challenge(order.DCVTXT, "example.jp"))
		d, caaErr := p.CheckCAA(t.Context(), "example.jp")
		require.Equal(t, row.validating, d.Permitted, row.says)
		if !row.validating {
			require.Equal(t, fault.Unavailable, fault.KindOf(err), row.says)
			require.Equal(t, fault.Unavailable, fault.KindOf(caaErr), row.says)
			require.False(t, f.Found)
			continue
		}
		require.NoError(t, errors.Join(err, caaErr))
		require.True(t, f.Found)
		require.True(t, f.Observations[0].Secure)
	}
}

// web is a web host on loopback that stands for port 80 of every example domain.
func web(t *testing.T, h http.HandlerFunc) (*netlab.Lab, probe.Config) {
	t.Helper()
	lab := startLab(t, netlab.Options{})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	config := forLab(t, lab)
	config.Ports["80"] = port(t, server.Listener)
	return lab, config
}

func port(t *testing.T, ln net.Listener) string {
	t.Helper()
	_, p, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	return p
}

func redirect(status int, location string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != dcv.FilePath || r.Host == "other.example.jp" {
			_, _ = io.WriteString(rw, token)
			return
		}
		rw.Header().Set("Location", location)
		rw.WriteHeader(status)
	}
}

func TestHostileWeb(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says    string
		handler http.HandlerFunc
		code    string
	}{
		{"well behaved", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, token+"\n") }, dcv.CodeMatch},
		{"a huge body", func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, token)
			for {
				if _, err := rw.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, dcv.CodeDiffers},
		{"a body that trickles", func(rw http.ResponseWriter, r *http.Request) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_, _ = io.WriteString(rw, "k")
					_ = http.NewResponseController(rw).Flush()
				case <-r.Context().Done():
					return
				}
			}
		}, dcv.CodeUnreachable},
		{"headers that never come", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, dcv.CodeUnreachable},
		{"headers without end", func(rw http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				rw.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
		}, dcv.CodeUnreachable},
		{"a compressed body is taken as it is", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(rw, token)
		}, dcv.CodeMatch},
		{"a redirect to the address of our machine", redirect(302, "http://127.0.0.1/x"), dcv.CodeRefused},
		{"to the metadata service", redirect(302, "http://169.254.169.254/latest/meta-data/"), dcv.CodeRefused},
		{"to a name of the metadata service", redirect(301, "http://metadata.example.jp/"), dcv.CodeRefused},
		{"to a name of a private address in disguise", redirect(301, "http://mapped.example.jp/"), dcv.CodeRefused},
		{"to another port", redirect(307, "http://other.example.jp:8080/"), dcv.CodeRefused},
		{"to another scheme", redirect(308, "ftp://other.example.jp/"), dcv.CodeRefused},
		{"with a status that is not allowed", redirect(303, "/x"), dcv.CodeUnreachable},
		{"without a location", redirect(302, ""), dcv.CodeRefused},
		{"with the value in the URL", redirect(302, "/echo?"+token), dcv.CodeRefused},
		{"to itself", redirect(302, dcv.FilePath), dcv.CodeRefused},
		{"to another host", redirect(302, "http://other.example.jp"+dcv.FilePath), dcv.CodeMatch},
		{"to another path", redirect(308, "/elsewhere"), dcv.CodeMatch},
		{"to https that nobody serves", redirect(302, "https://other.example.jp/"), dcv.CodeUnreachable},
		{"not HTTP", func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 smtp.example.jp ESMTP\r\n")
				_ = conn.Close()
			}
		}, dcv.CodeUnreachable},
		{"a body cut short", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, token)
		}, dcv.CodeUnreachable},
	} {
		lab, config := web(t, row.handler)
		config.Ports["443"] = "1"
		config.Timeout, config.Limit = time.Second, 2*time.Second
		require.NoError(t, lab.Set("metadata.example.jp", "A", "169.254.169.254"))
		require.NoError(t, lab.Set("mapped.example.jp", "AAAA", "::ffff:10.0.0.1"))
		p := newProber(t, config)
		t.Run(row.says, func(t *testing.T) {
			t.Parallel()
			probeFor(t, p, challenge(order.DCVFile, "example.jp"), row.code)
		})
	}
}

// Outside the dev stack the guard lets nothing out to our own networks, and nothing is even asked there.
func TestTheGuardStandsBeforeTheDial(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	lab, config := web(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	config.AllowLoopback, config.Ports, config.WHOIS = false, nil, lab.WHOISAddr
	p := newProber(t, config)
	for name, a := range map[string][2]string{
		"loopback.example.jp": {"A", "127.0.0.1"}, "private.example.jp": {"A", "192.168.0.1"}, "v6.example.jp": {"AAAA", "::1"},
		"nat64.example.jp": {"AAAA", "64:ff9b::7f00:1"},
	} {
		require.NoError(t, lab.Set(name, a[0], a[1]))
		f := probeFor(t, p, challenge(order.DCVFile, name), dcv.CodeRefused)
		require.Contains(t, f.Text.EN, "public")
	}
	require.NoError(t, lab.Set("_nothing.example.jp", "TXT", "x"))
	probeFor(t, p, challenge(order.DCVFile, "_nothing.example.jp"), dcv.CodeUnreachable)
	_, err := p.Contacts(t.Context(), "example.jp")
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "nor does WHOIS go there")
	require.Zero(t, hits.Load())
}

// The request says who asks, and carries nothing else of ours.
func TestTheRequestNamesTheProduct(t *testing.T) {
	t.Parallel()
	var header atomic.Value
	_, config := web(t, func(_ http.ResponseWriter, r *http.Request) { header.Store(r.Header.Clone()) })
	probeFor(t, newProber(t, config), challenge(order.DCVFile, "example.jp"), dcv.CodeMissing)
	require.Equal(t, http.Header{"User-Agent": {"SecureMailID-Validation/1.0"}, "Accept": {"*/*"}, "Connection": {"close"}}, header.Load())
}

// A redirect to https must show a certificate that verifies.
func TestHTTPSIsVerified(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, token) }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	_, config := web(t, redirect(302, "https://example.com/x")) // httptest's certificate is for example.com
	config.Ports["443"] = port(t, secure.Listener)
	probeFor(t, newProber(t, config), challenge(order.DCVFile, "example.jp"), dcv.CodeRefused)

	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(secure.Certificate())
	probeFor(t, newProber(t, config), challenge(order.DCVFile, "example.jp"), dcv.CodeMatch)

	_, wrong := web(t, redirect(302, "https://other.example.jp/"))
	wrong.Ports["443"], wrong.RootCAs = config.Ports["443"], config.RootCAs
	probeFor(t, newProber(t, wrong), challenge(order.DCVFile, "example.jp"), dcv.CodeRefused)
}

// whoisServer answers each line with what answer says.
func whoisServer(t *testing.T, answer func(line string, conn net.Conn)) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { require.NoError(t, ln.Close()); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				answer(strings.TrimSpace(line), conn)
			}
			_ = conn.Close()
		}
	}()
	return ln
}

func TestWHOISFollowsReferrals(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	require.NoError(t, errors.Join(lab.Set("whois.iana.org", "A", "127.0.0.1"), lab.Set("whois.registry.example", "A", "127.0.0.1"),
		lab.Set("whois.registrar.example", "A", "127.0.0.1"), lab.Set("whois.private.example", "A", "10.0.0.1")))
	var asked []string
	ln := whoisServer(t, func(line string, conn net.Conn) {
		asked = append(asked, line)
		switch {
		case line == "com":
			_, _ = io.WriteString(conn, "refer: whois.registry.example\n")
		case line == "org":
			_, _ = io.WriteString(conn, "refer: whois.private.example\n")
		case line == "net":
			_, _ = io.WriteString(conn, "nothing to see\n")
		case line == "example.com" && len(asked) == 2:
			_, _ = io.WriteString(conn, "Registrar WHOIS Server: whois.registrar.example\r\nRegistrar Abuse Contact Email: abuse@registrar.example\r\n")
		default:
			_, _ = io.WriteString(conn, "Registrar WHOIS Server: whois.registrar.example\r\nRegistrant Email: owner@example.com\r\n")
		}
	})
	p := newProber(t, probe.Config{Resolvers: []string{lab.DNSAddr}, AllowLoopback: true, Ports: map[string]string{"43": port(t, ln)}})
	got, err := p.Contacts(t.Context(), "mail.example.com")
	require.NoError(t, err)
	require.Equal(t, []string{"owner@example.com"}, got)
	require.Equal(t, []string{"com", "example.com", "example.com"}, asked)

	_, err = p.Contacts(t.Context(), "example.org")
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "a referral into a private network is not followed")
	got, err = p.Contacts(t.Context(), "example.net")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestHostileWHOIS(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says   string
		answer func(conn net.Conn)
		kind   fault.Kind
		want   []string
	}{
		{"an answer without end is cut", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "[Email] info@example.jp\n")
			for {
				if _, err := conn.Write(make([]byte, 1<<14)); err != nil {
					return
				}
			}
		}, "", []string{"info@example.jp"}},
		{"an answer that never ends", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "[Email] info@example.jp\n")
			_, _ = io.ReadAll(conn)
		}, fault.Unavailable, nil},
		{"handles without end", func(conn net.Conn) {
			for i := range 1000 {
				_, _ = fmt.Fprintf(conn, "m. [Administrative Contact]  AA%dJP\n[Email] a%d@example.jp\n", i, i)
			}
		}, "", []string{"a0@example.jp", "a1@example.jp", "a2@example.jp", "a3@example.jp", "a4@example.jp", "a5@example.jp", "a6@example.jp",
			"a7@example.jp", "a8@example.jp", "a9@example.jp"}},
		{"it hangs up", func(net.Conn) {}, fault.Unavailable, nil},
	} {
		var asked atomic.Int32
		ln := whoisServer(t, func(_ string, conn net.Conn) { asked.Add(1); row.answer(conn) })
		lab := startLab(t, netlab.Options{})
		config := forLab(t, lab)
		config.WHOIS, config.Timeout = ln.Addr().String(), time.Second
		got, err := newProber(t, config).Contacts(t.Context(), "example.jp")
		require.Equal(t, row.kind, fault.KindOf(err), row.says)
		require.Equal(t, row.want, got, row.says)
		require.LessOrEqual(t, asked.Load(), int32(4), row.says)
	}
}
