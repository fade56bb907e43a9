package probe_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

const zoneFile = `$ORIGIN example.jp.
$TTL 60
@      IN SOA ns hostmaster 1 3600 600 86400 60
@      IN NS  ns
ns     IN A   127.0.0.1
@      IN TXT "` + token + `"
@      IN CAA 0 issuemail "ca.example.com"
_` + token + ` IN CNAME dcv.example.com.
bad    IN TXT "` + token + `"
bad    IN CAA 0 issuemail "ca.example.com"
empty  IN A   127.0.0.1
dcv    IN A   127.0.0.1
`

// Against real peers: a zone signed by ldns-signzone with NSEC3, served by NSD, validated by Unbound with the zone's key as trust anchor.
// Under bad.example.jp one byte of the signed data was changed.
func TestDNSSEC(t *testing.T) {
	t.Parallel()
	resolver := validatingResolver(t)
	p := newProber(t, probe.Config{Resolvers: []string{resolver}, RequireDNSSEC: true, SignedZone: "example.jp", CAAIssuers: []string{issuer}})

	for _, m := range []order.DCVMethod{order.DCVTXT, order.DCVCNAME} {
		f := probeFor(t, p, challenge(m, "example.jp"), dcv.CodeMatch)
		require.True(t, f.Observations[0].Secure, "%s: the evidence says that DNSSEC vouched for it", m)
	}
	for _, name := range []string{"empty.example.jp", "nowhere.example.jp"} {
		f := probeFor(t, p, challenge(order.DCVTXT, name), dcv.CodeMissing)
		require.True(t, f.Observations[0].Secure, "%s: so does NSEC3 for what is not there", name)
	}
	d, err := p.CheckCAA(t.Context(), "example.jp")
	require.NoError(t, err)
	require.Equal(t, dcv.CAAIssuerNamed, d.Code)
	require.True(t, d.Observations[0].Secure)

	// One byte changed.
	f := probeFor(t, p, challenge(order.DCVTXT, "bad.example.jp"), dcv.CodeRefused)
	require.Contains(t, f.Text.EN, "DNSSEC")
	require.Contains(t, f.Observations[0].Problem, "SERVFAIL")
	d, err = p.CheckCAA(t.Context(), "bad.example.jp")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.False(t, d.Permitted)

	// A zone that is not signed is not refused for it (C10 asks to validate, not to be signed), but nothing vouches for it.
	f = probeFor(t, p, challenge(order.DCVTXT, "example.com"), dcv.CodeMatch)
	require.False(t, f.Observations[0].Secure)

	// The same resolver proves nothing by a zone that is not signed.
	blind := newProber(t, probe.Config{Resolvers: []string{resolver}, RequireDNSSEC: true, SignedZone: "example.com"})
	_, err = blind.Probe(t.Context(), challenge(order.DCVTXT, "example.jp"))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

// validatingResolver starts NSD and Unbound and returns Unbound's address.
func validatingResolver(t *testing.T) string {
	t.Helper()
	need.Program(t, "ldns-signzone", "ldnsutils")
	nsd, unbound := need.Program(t, "nsd", "nsd"), need.Program(t, "unbound", "unbound")
	dir := t.TempDir()
	signZone(t, dir)
	write(t, dir, "plain.zone", strings.ReplaceAll(zoneFile, "$ORIGIN example.jp.", "$ORIGIN example.com."))
	authority, resolver := freeAddr(t), freeAddr(t)
	_, authorityPort, _ := strings.Cut(authority, ":")
	_, resolverPort, _ := strings.Cut(resolver, ":")

	write(t, dir, "nsd.conf", fmt.Sprintf(`server:
  ip-address: 127.0.0.1
  port: %s
  username: ""
  chroot: ""
  zonesdir: %q
  pidfile: ""
  database: ""
  zonelistfile: "zone.list"
  xfrdfile: "xfrd.state"
  xfrdir: %q
remote-control:
  control-enable: no
zone:
  name: example.jp
  zonefile: signed.zone
zone:
  name: example.com
  zonefile: plain.zone
`, authorityPort, dir, dir))
	write(t, dir, "unbound.conf", fmt.Sprintf(`server:
  interface: 127.0.0.1
  port: %s
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  ede: yes
  trust-anchor-file: %q
remote-control:
  control-enable: no
stub-zone:
  name: example.jp
  stub-addr: 127.0.0.1@%s
stub-zone:
  name: example.com
  stub-addr: 127.0.0.1@%s
`, resolverPort, dir, filepath.Join(dir, "anchor.key"), authorityPort, authorityPort))
	daemon(t, nsd, authority, "-d", "-c", filepath.Join(dir, "nsd.conf"))
	daemon(t, unbound, resolver, "-d", "-c", filepath.Join(dir, "unbound.conf"))
	return resolver
}

// signZone writes signed.zone, spoilt at bad.example.jp, and anchor.key.
func signZone(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, "example.zone", zoneFile)
	key := strings.TrimSpace(run(t, dir, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "example.jp"))
	run(t, dir, "ldns-signzone", "-n", "-o", "example.jp", "-f", "signed.zone", "example.zone", key)
	anchor, err := os.ReadFile(filepath.Join(dir, key+".key"))
	require.NoError(t, err)
	write(t, dir, "anchor.key", string(anchor))

	signed, err := os.ReadFile(filepath.Join(dir, "signed.zone"))
	require.NoError(t, err)
	var out []string
	spoilt := 0
	for line := range strings.Lines(string(signed)) {
		if strings.HasPrefix(line, "bad.example.jp.") && !strings.Contains(line, "RRSIG") {
			changed := strings.NewReplacer(`"k7m`, `"k8m`, `"ca.`, `"cb.`).Replace(line)
			if changed != line {
				spoilt++
			}
			line = changed
		}
		out = append(out, line)
	}
	require.Equal(t, 2, spoilt, "one byte of TXT and one of CAA")
	write(t, dir, "signed.zone", strings.Join(out, ""))
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}

// freeAddr is a loopback address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// daemon runs a DNS server for the length of the test and waits until it answers for the signed zone.
func daemon(t *testing.T, path, addr string, args ...string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	p, err := proc.Start(t.Context(), proc.Spec{
		Name: filepath.Base(path), Path: path, Args: args, Log: log,
		Ready: func(ctx context.Context) error {
			client := dns.Client{Timeout: time.Second}
			resp, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion("example.jp.", dns.TypeSOA), addr)
			if err == nil && resp.Rcode != dns.RcodeSuccess {
				err = fmt.Errorf("answers %s", dns.RcodeToString[resp.Rcode])
			}
			return err
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop(context.Background())) })
}
