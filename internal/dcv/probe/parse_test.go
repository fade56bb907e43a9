package probe

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func rr(t *testing.T, s string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(s)
	require.NoError(t, err)
	return r
}

func TestFollow(t *testing.T) {
	t.Parallel()
	chain := []dns.RR{rr(t, "c.example. IN TXT end"), rr(t, "A.example. IN CNAME b.example."), rr(t, "b.example. IN CNAME C.example.")}
	records, end, err := follow(chain, "a.example.", dns.TypeTXT)
	require.NoError(t, err)
	require.Equal(t, "c.example.", end)
	require.Len(t, records, 1)

	records, _, err = follow(chain, "a.example.", dns.TypeCNAME)
	require.NoError(t, err)
	require.Len(t, records, 1, "an alias that is asked for is not followed")

	records, end, err = follow(chain, "x.example.", dns.TypeTXT)
	require.NoError(t, err)
	require.Empty(t, records, "records of another owner do not count")
	require.Equal(t, "x.example.", end)

	chaos := rr(t, "a.example. CH TXT chaos")
	records, _, err = follow([]dns.RR{chaos}, "a.example.", dns.TypeTXT)
	require.NoError(t, err)
	require.Empty(t, records, "nor do those of another class")

	_, _, err = follow([]dns.RR{rr(t, "a.example. IN CNAME b.example."), rr(t, "b.example. IN CNAME a.example.")}, "a.example.", dns.TypeTXT)
	require.ErrorContains(t, err, "dns-alias-loop")
}

// What the library escapes, unescape restores, byte for byte.
func TestUnescapeUndoesTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 255).Draw(t, "raw")
		wire := append([]byte{0, 0, 16, 0, 1, 0, 0, 0, 0, byte((len(raw) + 1) >> 8), byte(len(raw) + 1), byte(len(raw))}, raw...)
		got, _, err := dns.UnpackRR(wire, 0)
		require.NoError(t, err)
		txt, ok := got.(*dns.TXT)
		require.True(t, ok)
		require.Equal(t, []string{string(raw)}, unescape(txt.Txt))
	})
}

func TestNextURL(t *testing.T) {
	t.Parallel()
	from, err := url.Parse("http://example.jp/.well-known/pki-validation/fileauth.txt")
	require.NoError(t, err)
	for location, want := range map[string]string{
		"https://www.example.jp/x":        "https://www.example.jp/x",
		"HTTPS://WWW.example.jp/x#part":   "https://www.example.jp/x",
		"/elsewhere":                      "http://example.jp/elsewhere",
		"//example.com:80/x":              "http://example.com:80/x",
		"https://example.com:443/":        "https://example.com:443/",
		"http://例え.example/":              "http://xn--r8jz45g.example/",
		"https://example.jp:8443/":        "",
		"http://example.jp:22/":           "",
		"http://example.jp:/":             "",
		"ftp://example.jp/":               "",
		"file:///etc/passwd":              "",
		"gopher://example.jp:80/":         "",
		"http://user:pass@example.jp/":    "",
		"http://127.0.0.1/":               "",
		"http://169.254.169.254/latest":   "",
		"http://[::1]/":                   "",
		"http://[::ffff:127.0.0.1]/":      "",
		"http://localhost/":               "",
		"http://0x7f.1/":                  "",
		"http://127.1/":                   "",
		"//\x89.0":                        "",
		"http://exa mple.jp/":             "",
		"":                                "",
		"http:///x":                       "",
		"http://example.jp/?v=TheToken":   "",
		"http://thetoken.example.jp/":     "",
		"http://example.jp/" + long(2000): "",
	} {
		u, err := nextURL(from, location, "thetoken")
		if want == "" {
			require.ErrorContains(t, err, "redirect-forbidden", location)
			continue
		}
		require.NoError(t, err, location)
		require.Equal(t, want, u.String(), location)
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func FuzzNextURL(f *testing.F) {
	f.Add("https://www.example.jp/x")
	f.Add("//[::1%25lo]:80/")
	f.Add("http://0x7f.1/")
	f.Add("//\x89.0")
	f.Add("//0.\x94")
	f.Add("\t/x\x00")
	f.Fuzz(func(t *testing.T, location string) {
		from, err := url.Parse("http://example.jp/x")
		require.NoError(t, err)
		u, err := nextURL(from, location, "thetoken")
		if err != nil {
			return
		}
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.Contains(t, []string{"", "80", "443"}, u.Port())
		require.Nil(t, u.User)
		require.NotContains(t, strings.ToLower(u.String()), "thetoken")
		_, why := allowedHost(u)
		require.Empty(t, why, "what was allowed is allowed again")
	})
}

func TestWHOISAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says, answer string
		want         []string
	}{
		{"JPRS, a name directly under jp", "Contact Information:\r\n[Name]  x\r\n[Email]                         info@example.jp\r\n", []string{"info@example.jp"}},
		{"JPRS, a contact handle", "Contact Information:\na. [JPNIC Handle]               AB1234JP\nd. [E-Mail]                     Tech@Example.CO.JP\n", []string{"Tech@example.co.jp"}},
		{"JPRS in Japanese", "d. [電子メイル]                  info@example.jp\n", []string{"info@example.jp"}},
		{"a gTLD", "Registrar: Registrar Inc.\nRegistrar Abuse Contact Email: abuse@registrar.example\nRegistrant Email: a@example.com\nAdmin Email: b@example.com\nTech Email: a@example.com\n",
			[]string{"a@example.com", "b@example.com"}},
		{"spelt out", "  Administrative Contact E-mail: a@example.com\nTechnical Contact Email: c@example.com\n", []string{"a@example.com", "c@example.com"}},
		{"addresses in prose are nobody's", "Contact a@example.com for help\nEmail: b@example.com\nBilling Email: c@example.com\n", nil},
		{"a web form instead", "Registrant Email: https://registrar.example/contact?d=example.com\n", nil},
		{"redacted", "Registrant Email: REDACTED FOR PRIVACY\n", nil},
		{"hostile", "Registrant Email: a@example.com,evil@example.net\nAdmin Email: <a@example.com>\nTech Email: a@b@example.com\nTech Email: a@example\nTech Email: \"a\"@example.com\nTech Email: ..@example.com\n", nil},
	} {
		require.Equal(t, row.want, unique(addresses(row.answer)), row.says)
	}
	require.Len(t, unique(addresses(strings.Join(func() (lines []string) {
		for i := range 50 {
			lines = append(lines, "Tech Email: a"+long(i)+"@example.com")
		}
		return lines
	}(), "\n"))), 10, "at most ten")
}

func TestReferralsAndHandles(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"domain: JP\nrefer:        whois.jprs.jp\n":            "whois.jprs.jp",
		"   Registrar WHOIS Server: Whois.Registrar.Example\r": "whois.registrar.example",
		"whois: 127.0.0.1\n":                                   "",
		"refer: localhost\n":                                   "",
		"refer: a.example/../../x\n":                           "",
		"refer:\n":                                             "",
		"nothing":                                              "",
	} {
		require.Equal(t, want, referral(answer), answer)
	}
	require.Equal(t, []string{"AB1JP", "CD2JP"}, handles("m. [Administrative Contact]         CD2JP\nn. [Technical Contact]              AB1JP\nn. [Technical Contact]  AB1JP\n"))
	require.Empty(t, handles("m. [Administrative Contact]  AB1JP\r\x00DROP\nn. [Technical Contact]\n"))
	require.Equal(t, "domain example.com", wording("whois.verisign-grs.com", "example.com"))
	require.Equal(t, "example.jp/e", wording("whois.jprs.jp", "example.jp"))
	require.Equal(t, "example.org", wording("whois.example", "example.org"))
}

func FuzzWHOIS(f *testing.F) {
	f.Add("[Email]   info@example.jp\n")
	f.Add("m. [Administrative Contact]  AB1JP\n")
	f.Add("refer: whois.jprs.jp\n")
	f.Add("Registrant Email: a@example.com\r\nBcc: x@example.com\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		found := unique(addresses(answer))
		require.LessOrEqual(t, len(found), maxContacts)
		for i, a := range found {
			require.False(t, strings.ContainsAny(a, " \t\r\n\x00<>,;:\"\\()"), "%q", a)
			require.Equal(t, 1, strings.Count(a, "@"))
			require.False(t, slices.Contains(found[:i], a))
		}
		for _, h := range append(handles(answer), referral(answer)) {
			require.False(t, strings.ContainsAny(h, " \r\n\x00/"), "%q", h)
		}
	})
}

// Whatever a resolver sends, reading it ends in records, none or an error, never in a panic or in records of another owner.
func FuzzReply(f *testing.F) {
	q := new(dns.Msg).SetQuestion("example.jp.", dns.TypeTXT)
	reply := new(dns.Msg).SetReply(q)
	txt, err := dns.NewRR(`example.jp. IN TXT "a" "b"`)
	if err != nil {
		f.Fatal(err)
	}
	reply.Answer = []dns.RR{txt}
	raw, err := reply.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0, 0, 0x80, 0, 0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		resp := new(dns.Msg)
		if resp.Unpack(raw) != nil || !fits(q, resp) {
			return
		}
		_ = problem(resp)
		_ = shown(resp.Answer)
		records, _, err := follow(resp.Answer, "example.jp.", dns.TypeTXT)
		if err != nil {
			require.Empty(t, records)
		}
		for _, r := range records {
			if txt, ok := r.(*dns.TXT); ok {
				unescape(txt.Txt)
			}
		}
	})
}
