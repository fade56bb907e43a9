package netlab_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/devstack/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o netlab.Options) *netlab.Lab {
	t.Helper()
	lab, err := netlab.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lab.Close()) })
	return lab
}

func ask(t *testing.T, lab *netlab.Lab, network, name string, rrtype uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), rrtype)
	m.SetEdns0(1232, true)
	resp, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).ExchangeContext(t.Context(), m, lab.DNSAddr)
	require.NoError(t, err)
	return resp
}

func answers(m *dns.Msg) []string {
	out := []string{}
	for _, rr := range m.Answer {
		out = append(out, strings.Join(strings.Fields(strings.TrimPrefix(rr.String(), rr.Header().Name)), " "))
	}
	return out
}

func TestDNS(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	require.NoError(t, lab.SetTXT("Example.CO.JP.", "v=spf1 -all", `say "hello" \ bye`))
	require.NoError(t, lab.SetCNAME("_token.example.co.jp", "dcv.example.com"))
	require.NoError(t, lab.SetCNAME("www.example.jp", "example.co.jp"))
	require.NoError(t, lab.SetCNAME("loop.example", "loop.example"))
	require.NoError(t, lab.SetCAA("example.jp", `0 issuemail "ca.example"`, `128 issue ";"`))
	require.NoError(t, lab.Set("elsewhere.invalid", "A", "192.0.2.1"))
	for _, row := range []struct {
		says, name string
		rrtype     uint16
		rcode      int
		answers    []string
	}{
		{"published TXT, however the name is written", "EXAMPLE.co.jp", dns.TypeTXT, dns.RcodeSuccess,
			[]string{`1 IN TXT "v=spf1 -all"`, `1 IN TXT "say \"hello\" \\ bye"`}},
		{"an alias itself", "_token.example.co.jp", dns.TypeCNAME, dns.RcodeSuccess, []string{"1 IN CNAME dcv.example.com."}},
		{"an alias is followed", "www.example.jp", dns.TypeA, dns.RcodeSuccess, []string{"1 IN CNAME example.co.jp.", "1 IN A 127.0.0.1"}},
		{"CAA", "example.jp", dns.TypeCAA, dns.RcodeSuccess, []string{`1 IN CAA 0 issuemail "ca.example"`, `1 IN CAA 128 issue ";"`}},
		{"every example host has the web host's address", "mail.example3.co.jp", dns.TypeA, dns.RcodeSuccess, []string{"1 IN A 127.0.0.1"}},
		{"and no other type", "mail.example3.co.jp", dns.TypeMX, dns.RcodeSuccess, []string{}},
		{"an underscore is no host", "_x.example.jp", dns.TypeA, dns.RcodeNameError, []string{}},
		{"what lies above a zone exists", "co.jp", dns.TypeCAA, dns.RcodeSuccess, []string{}},
		{"the root exists", ".", dns.TypeSOA, dns.RcodeSuccess, []string{"1 IN SOA ns.example. hostmaster.example. 1 60 60 60 1"}},
		{"a name outside that was set", "elsewhere.invalid", dns.TypeA, dns.RcodeSuccess, []string{"1 IN A 192.0.2.1"}},
		{"the rest of the world does not exist", "somewhere.invalid", dns.TypeA, dns.RcodeNameError, []string{}},
	} {
		for _, network := range []string{"udp", "tcp"} {
			m := ask(t, lab, network, row.name, row.rrtype)
			require.Equal(t, dns.RcodeToString[row.rcode], dns.RcodeToString[m.Rcode], row.says)
			require.Equal(t, row.answers, answers(m), row.says)
			require.False(t, m.AuthenticatedData, row.says)
		}
	}
	require.Len(t, ask(t, lab, "udp", "loop.example", dns.TypeA).Answer, 9, "a loop ends")
}

func TestLargeAnswersAreTruncatedOverUDPOnly(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	long := strings.Repeat("0123456789", 300)
	require.NoError(t, lab.SetTXT("example.jp", long))
	require.True(t, ask(t, lab, "udp", "example.jp", dns.TypeTXT).Truncated)
	m := ask(t, lab, "tcp", "example.jp", dns.TypeTXT)
	require.False(t, m.Truncated)
	txt, ok := m.Answer[0].(*dns.TXT)
	require.True(t, ok)
	require.Equal(t, long, strings.Join(txt.Txt, ""))
}

func TestValidatingSetsAD(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{Validating: true})
	require.True(t, ask(t, lab, "udp", "example.jp", dns.TypeA).AuthenticatedData)
}

func TestWhatCannotBePublishedIsRefused(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	require.NoError(t, lab.SetTXT("a.example", "x"))
	for says, err := range map[string]error{
		"no name":                      lab.SetTXT("", "x"),
		"two names":                    lab.SetTXT("a.example b.example", "x"),
		"no value":                     lab.SetTXT("b.example"),
		"unknown type":                 lab.Set("b.example", "NS", "ns.example."),
		"not an address":               lab.Set("b.example", "A", "one two three"),
		"a second line":                lab.SetCAA("b.example", "0 issue \";\"\n$INCLUDE /etc/passwd"),
		"an alias beside others":       lab.SetCNAME("a.example", "c.example"),
		"two aliases":                  lab.Set("b.example", "CNAME", "c.example", "d.example"),
		"a file without a path":        lab.SetFile("a.example", "fileauth.txt", "x"),
		"a contact with a second line": lab.SetContacts("a.example", "a@a.example\nb@b.example"),
	} {
		require.Error(t, err, says)
	}
	content := lab.Content()
	require.Equal(t, map[string]map[string][]string{"a.example": {"TXT": {"x"}}}, content.Records)
	require.Empty(t, content.Files)
	require.Empty(t, content.Contacts)
}

func get(t *testing.T, lab *netlab.Lab, host, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+lab.WebAddr+path, http.NoBody)
	require.NoError(t, err)
	req.Host, req.Close = host, true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestWebHostServesByHost(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	const path = "/.well-known/pki-validation/fileauth.txt"
	require.NoError(t, lab.SetFile("example.jp", path, "one"))
	status, body := get(t, lab, "Example.JP:80", path)
	require.Equal(t, 200, status)
	require.Equal(t, "one", body)
	status, _ = get(t, lab, "example.com", path)
	require.Equal(t, 404, status, "another host has no such file")
	require.NoError(t, lab.RemoveFile("example.jp", path))
	status, _ = get(t, lab, "example.jp", path)
	require.Equal(t, 404, status)
}

func whois(t *testing.T, lab *netlab.Lab, query string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", lab.WHOISAddr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s\r\n", query)
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(answer)
}

func TestWHOIS(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	require.Contains(t, whois(t, lab, "example.jp/e"), "[Email]                         whois-contact@example.jp\n")
	require.Contains(t, whois(t, lab, "somewhere.invalid"), "No match!!")

	require.NoError(t, lab.SetContacts("example.co.jp", "a@example.co.jp", "b@example.co.jp"))
	answer := whois(t, lab, "example.co.jp/e")
	require.NotContains(t, answer, "a@example.co.jp", "only handles")
	var handle string
	for line := range strings.Lines(answer) {
		if rest, ok := strings.CutPrefix(line, "n. [Technical Contact]"); ok {
			handle = strings.TrimSpace(rest)
		}
	}
	require.Contains(t, whois(t, lab, handle+"/e"), "[E-Mail]                     b@example.co.jp\n")

	require.NoError(t, lab.SetContacts("example.jp"))
	require.NotContains(t, whois(t, lab, "example.jp/e"), "[Email]")
}

func TestTheClientDoesWhatTheWorldDoes(t *testing.T) {
	t.Parallel()
	lab := start(t, netlab.Options{})
	c, ctx := netlab.Client{AdminURL: lab.AdminURL}, t.Context()
	require.NoError(t, c.SetTXT(ctx, "example.jp", "v"))
	require.NoError(t, c.SetCNAME(ctx, "_t.example.jp", "dcv.example.com"))
	require.NoError(t, c.SetCAA(ctx, "example.jp", `0 issuemail ";"`))
	require.NoError(t, c.SetFile(ctx, "example.jp", "/a", "b"))
	require.NoError(t, c.SetContacts(ctx, "example.jp", "x@example.jp"))
	want := netlab.Content{
		Records:  map[string]map[string][]string{"example.jp": {"TXT": {"v"}, "CAA": {`0 issuemail ";"`}}, "_t.example.jp": {"CNAME": {"dcv.example.com"}}},
		Files:    map[string]map[string]string{"example.jp": {"/a": "b"}},
		Contacts: map[string][]string{"example.jp": {"x@example.jp"}},
	}
	got, err := c.Content(ctx)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, want, lab.Content())

	require.ErrorContains(t, c.SetTXT(ctx, "no name", "v"), "domain name", "the reason comes back")
	require.NoError(t, c.Remove(ctx, "example.jp", "txt"))
	require.NoError(t, c.Remove(ctx, "_t.example.jp", ""))
	require.NoError(t, c.RemoveFile(ctx, "example.jp", "/a"))
	require.Equal(t, map[string]map[string][]string{"example.jp": {"CAA": {`0 issuemail ";"`}}}, lab.Content().Records)
	require.Empty(t, ask(t, lab, "udp", "example.jp", dns.TypeTXT).Answer)
	require.Empty(t, lab.Content().Files)
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:0", "[::]:0", "localhost:0", ":0"} {
		_, err := netlab.Start(t.Context(), netlab.Options{Admin: addr})
		require.Error(t, err, addr)
	}
	lab := start(t, netlab.Options{})
	for _, row := range []struct {
		says   string
		spoil  func(*http.Request)
		body   string
		status int
	}{
		{"as the client does", func(*http.Request) {}, `{"name":"example.jp","type":"TXT","values":["x"]}`, 204},
		{"a name that was pointed at loopback", func(r *http.Request) { r.Host = "rebind.example" }, `{}`, 403},
		{"a page of another origin", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, `{}`, 403},
		{"an unknown field", func(*http.Request) {}, `{"nam":"example.jp"}`, 400},
		{"too large", func(*http.Request) {}, `{"name":"` + strings.Repeat("x", 1<<17) + `"}`, 400},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, lab.AdminURL+"/records", strings.NewReader(row.body))
		require.NoError(t, err)
		req.Close = true
		row.spoil(req)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, row.status, resp.StatusCode, row.says)
	}
}

func TestContentIsKeptOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, netlab.Options{Dir: dir})
	require.NoError(t, first.SetTXT("example.jp", strings.Repeat("x", 300)))
	require.NoError(t, first.SetFile("example.jp", "/a", "b"))
	require.NoError(t, first.SetContacts("example.jp"))
	require.NoError(t, first.Close())

	second := start(t, netlab.Options{Dir: dir, DNS: first.DNSAddr})
	require.Equal(t, first.Content(), second.Content())
	require.Len(t, ask(t, second, "udp", "example.jp", dns.TypeTXT).Answer, 1)

	require.NoError(t, os.WriteFile(dir+"/netlab.json", []byte("{"), 0o600))
	_, err := netlab.Start(t.Context(), netlab.Options{Dir: dir})
	require.Error(t, err, "a damaged file is not taken for an empty one")
}

func TestTheContextStopsTheLab(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	lab, err := netlab.Start(ctx, netlab.Options{})
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", lab.WebAddr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, lab.Close())
}
