package probe_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/devstack/netlab"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The interfaces that the activities declare; the adapters meet them without naming them.
var _ interface {
	Probe(ctx context.Context, c dcv.Challenge) (dcv.Finding, error)
	CheckCAA(ctx context.Context, domain string) (dcv.CAADecision, error)
	Contacts(ctx context.Context, domain string) ([]string, error)
} = (*probe.Prober)(nil)

const (
	token  = "k7m2p9q4r8s3t6v5w2x9y4z7a3b8c6d5"
	target = "dcv.example.com"
	issuer = "ca.example.com"
)

func challenge(m order.DCVMethod, domain string) dcv.Challenge {
	c := dcv.Challenge{ID: "c", Method: m, Domain: domain, Token: token, ExpiresAt: time.Now().Add(time.Hour)}
	if m == order.DCVCNAME {
		c.Token, c.Target = "_"+token, target
	}
	return c
}

func startLab(t testing.TB, o netlab.Options) *netlab.Lab {
	t.Helper()
	lab, err := netlab.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = lab.Close() })
	return lab
}

// forLab is the configuration of the dev stack.
func forLab(t testing.TB, lab *netlab.Lab) probe.Config {
	t.Helper()
	_, webPort, err := net.SplitHostPort(lab.WebAddr)
	require.NoError(t, err)
	return probe.Config{
		Resolvers: []string{lab.DNSAddr}, WHOIS: lab.WHOISAddr, CAAIssuers: []string{issuer},
		AllowLoopback: true, Ports: map[string]string{"80": webPort},
	}
}

func newProber(t testing.TB, c probe.Config) *probe.Prober {
	t.Helper()
	p, err := probe.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func TestTheConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]probe.Config{
		"no resolver":                  {},
		"a resolver without a port":    {Resolvers: []string{"127.0.0.1"}},
		"ports mapped outside the lab": {Resolvers: []string{"127.0.0.1:53"}, Ports: map[string]string{"80": "8080"}},
	} {
		_, err := probe.New(c)
		require.Error(t, err, says)
	}
}

// One order of each method, from nothing published to the match.
func TestPublishingLeadsToAMatch(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	p := newProber(t, forLab(t, lab))
	const d = "example.co.jp"
	for method, publish := range map[order.DCVMethod]func(value string) error{
		order.DCVTXT:   func(v string) error { return lab.SetTXT(d, "v=spf1 -all", v) },
		order.DCVCNAME: func(v string) error { return lab.SetCNAME("_"+token+"."+d, v) },
		order.DCVFile:  func(v string) error { return lab.SetFile(d, dcv.FilePath, v+"\n") },
	} {
		c := challenge(method, d)
		right := c.Token
		if method == order.DCVCNAME {
			right = strings.ToUpper(target) + "."
		}
		probeFor(t, p, c, dcv.CodeMissing)
		require.NoError(t, publish("wrong.example"))
		f := probeFor(t, p, c, dcv.CodeDiffers)
		require.Contains(t, f.Text.EN, "wrong.example")
		require.NoError(t, publish(right))
		probeFor(t, p, c, dcv.CodeMatch)
	}
}

// probeFor probes and checks what holds of every finding.
func probeFor(t testing.TB, p *probe.Prober, c dcv.Challenge, code string) dcv.Finding {
	t.Helper()
	f, err := p.Probe(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, code, f.Code, "%+v", f)
	require.Equal(t, code == dcv.CodeMatch, f.Found)
	require.NotEmpty(t, f.Text.JA)
	require.NotEmpty(t, f.Observations)
	for _, o := range f.Observations {
		require.NotEmpty(t, o.From, "every observation names who answered: %+v", o)
		require.NotEmpty(t, o.Asked)
		require.NotZero(t, o.At)
	}
	return f
}

func TestObservationsAreEvidence(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	p := newProber(t, forLab(t, lab))
	require.NoError(t, lab.SetFile("example.jp", dcv.FilePath, token))
	f := probeFor(t, p, challenge(order.DCVFile, "example.jp"), dcv.CodeMatch)
	require.Len(t, f.Observations, 2)
	require.Equal(t, "A example.jp", f.Observations[0].Asked)
	require.Equal(t, lab.DNSAddr, f.Observations[0].From)
	require.Equal(t, []string{"A 127.0.0.1"}, f.Observations[0].Answer)
	require.Equal(t, "http://example.jp/.well-known/pki-validation/fileauth.txt", f.Observations[1].Asked)
	require.Equal(t, lab.WebAddr, f.Observations[1].From)
	require.Equal(t, []string{"HTTP 200", token}, f.Observations[1].Answer)
}

// A10, A11: an expired value is not looked for, even where it is published.
func TestAnExpiredChallengeIsNotLookedFor(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	require.NoError(t, lab.SetTXT("example.jp", token))
	c := challenge(order.DCVTXT, "example.jp")
	config := forLab(t, lab)
	config.Now = func() time.Time { return c.ExpiresAt }
	f, err := newProber(t, config).Probe(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, dcv.CodeExpired, f.Code)
	require.Empty(t, f.Observations)
}

func TestEmailHasNothingToProbe(t *testing.T) {
	t.Parallel()
	p := newProber(t, probe.Config{Resolvers: []string{"127.0.0.1:1"}})
	_, err := p.Probe(t.Context(), challenge(order.DCVEmail, "example.jp"))
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

// What is ours to answer for is an error, not a finding that blames the applicant.
func TestAResolverThatIsDownIsAnError(t *testing.T) {
	t.Parallel()
	p := newProber(t, probe.Config{Resolvers: []string{"127.0.0.1:1"}, WHOIS: "whois.example:43", Timeout: time.Second})
	for _, m := range []order.DCVMethod{order.DCVTXT, order.DCVCNAME, order.DCVFile} {
		_, err := p.Probe(t.Context(), challenge(m, "example.jp"))
		require.Equal(t, fault.Unavailable, fault.KindOf(err), m)
	}
	d, err := p.CheckCAA(t.Context(), "example.jp")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.False(t, d.Permitted)
	require.Equal(t, dcv.CAALookupFailed, d.Code)
	require.Equal(t, "127.0.0.1:1", d.Observations[0].From)
	_, err = p.Contacts(t.Context(), "example.jp")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestASecondResolverSteps(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	require.NoError(t, lab.SetTXT("example.jp", token))
	config := forLab(t, lab)
	config.Resolvers = []string{"127.0.0.1:1", lab.DNSAddr}
	f := probeFor(t, newProber(t, config), challenge(order.DCVTXT, "example.jp"), dcv.CodeMatch)
	require.Len(t, f.Observations, 2, "both looks are kept")
	require.NotEmpty(t, f.Observations[0].Problem)
}

func TestTheEndOfTheContextIsItsOwnError(t *testing.T) {
	t.Parallel()
	silent := silentDNS(t)
	p := newProber(t, probe.Config{Resolvers: []string{silent}, Timeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	started := time.Now()
	_, err := p.Probe(ctx, challenge(order.DCVTXT, "example.jp"))
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(started), 10*time.Second, "a cancelled probe does not wait for its timeout")
}

func TestCheckCAA(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	p := newProber(t, forLab(t, lab))
	require.NoError(t, lab.SetCAA("example.co.jp", `0 issuemail "ca.example.com"`, `0 issue ";"`))
	require.NoError(t, lab.SetCAA("example.jp", `0 issuemail "other.example"`))
	require.NoError(t, lab.SetCAA("example1.jp", `128 future "x"`))
	require.NoError(t, lab.SetCNAME("alias.example.com", "example.jp"))
	require.NoError(t, lab.SetCAA("xn--r8jz45g.example", `0 issuemail ";"`))
	for domain, code := range map[string]string{
		"mail.example.co.jp": dcv.CAAIssuerNamed,
		"example.jp":         dcv.CAANotNamed,
		"mail.example.jp.":   dcv.CAANotNamed,
		"example1.jp":        dcv.CAACriticalUnknown,
		"example2.jp":        dcv.CAANoRestriction,
		"alias.example.com":  dcv.CAANotNamed, // the alias's target speaks for it (RFC 8659 section 3)
		"例え.example":         dcv.CAANotNamed,
	} {
		d, err := p.CheckCAA(t.Context(), domain)
		require.NoError(t, err, domain)
		require.Equal(t, code, d.Code, domain)
		require.NotEmpty(t, d.Observations)
	}
	for _, bad := range []string{"", "jp", "exa mple.jp", "a..example", strings.Repeat("x", 64) + ".example"} {
		d, err := p.CheckCAA(t.Context(), bad)
		require.Equal(t, fault.Invalid, fault.KindOf(err), bad)
		require.False(t, d.Permitted)
	}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	lab := startLab(t, netlab.Options{})
	p := newProber(t, forLab(t, lab))
	require.NoError(t, lab.SetContacts("example.co.jp", "b@example.co.jp", "a@example.co.jp"))
	require.NoError(t, lab.SetContacts("example1.jp"))
	for domain, want := range map[string][]string{
		"example.jp":          {"whois-contact@example.jp"},
		"sub.host.example.jp": {"whois-contact@example.jp"},           // the registrable domain is what WHOIS knows
		"mail.example.co.jp":  {"a@example.co.jp", "b@example.co.jp"}, // by their handles
		"example1.jp":         nil,                                    // publishes none
		"unregistered.or.jp":  nil,                                    // no match
		"co.jp":               nil,                                    // a public suffix
		"Example.COM":         {"whois-contact@example.com"},
	} {
		got, err := p.Contacts(t.Context(), domain)
		require.NoError(t, err, domain)
		require.ElementsMatch(t, want, got, domain)
	}
	_, err := p.Contacts(t.Context(), "example.jp\r\nexample.com")
	require.Equal(t, fault.Invalid, fault.KindOf(err), "no second line gets into the question")
}
