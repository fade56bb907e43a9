package probe_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/order"
)

// benchServer answers every question with the value, as fast as the library can.
func benchServer(b *testing.B) string {
	b.Helper()
	return rawDNS(b, func(q *dns.Msg) [][]byte {
		return [][]byte{reply(q, func(m *dns.Msg) { m.SetEdns0(1232, false) })}
	}, nil)
}

// BenchmarkProbe is one whole look at a TXT record: asked, checked, judged, kept as evidence.
func BenchmarkProbe(b *testing.B) {
	p, err := probe.New(probe.Config{Resolvers: []string{benchServer(b)}})
	require.NoError(b, err)
	defer func() { require.NoError(b, p.Close()) }()
	c := challenge(order.DCVTXT, "example.jp")
	for b.Loop() {
		f, err := p.Probe(b.Context(), c)
		if err != nil || !f.Found {
			b.Fatal(f, err)
		}
	}
}

// BenchmarkBare is the same question by a bare loop over the library, with a socket for each question as its Client does by itself.
func BenchmarkBare(b *testing.B) {
	addr := benchServer(b)
	client := dns.Client{Timeout: 5 * time.Second}
	for b.Loop() {
		q := new(dns.Msg).SetQuestion("example.jp.", dns.TypeTXT)
		q.SetEdns0(1232, false)
		resp, _, err := client.ExchangeContext(b.Context(), q, addr)
		if err != nil || len(resp.Answer) != 1 {
			b.Fatal(resp, err)
		}
	}
}

// BenchmarkBareReused is the limit: a bare loop over one socket.
func BenchmarkBareReused(b *testing.B) {
	client := dns.Client{Timeout: 5 * time.Second}
	conn, err := client.DialContext(b.Context(), benchServer(b))
	require.NoError(b, err)
	defer conn.Close()
	for b.Loop() {
		q := new(dns.Msg).SetQuestion("example.jp.", dns.TypeTXT)
		q.SetEdns0(1232, false)
		resp, _, err := client.ExchangeWithConnContext(b.Context(), q, conn)
		if err != nil || len(resp.Answer) != 1 {
			b.Fatal(resp, err)
		}
	}
}
