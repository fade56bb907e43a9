package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/order"
)

const (
	probeRounds = 12
	probeLooks  = 4000                               // in a round
	probeToken  = "k7m2p9q4r8s3t6v5w2x9y4z7a3b8c6d5" //nolint:gosec // a random value for DNS, no credential
)

// measureProbe compares a whole look at a TXT record (asked, checked, judged, kept as evidence) with bare questions by the library
// that it uses: with a socket for each question, as the probe must for unguessable ports, and with one socket for all.
func measureProbe(ctx context.Context, _ settings, t *table) error {
	addr, stop, err := answerTXT(ctx)
	if err != nil {
		return err
	}
	defer stop()
	p, err := probe.New(probe.Config{Resolvers: []string{addr}})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	c := dcv.Challenge{ID: "c", Method: order.DCVTXT, Domain: "example.jp", Token: probeToken, ExpiresAt: time.Now().Add(time.Hour)}
	ours := side{do: func(ctx context.Context) (float64, error) {
		return each(ctx, probeLooks, 1, func(ctx context.Context, _ int) error {
			f, err := p.Probe(ctx, c)
			if err == nil && !f.Found {
				err = errors.New("the probe did not find the value")
			}
			return err
		})
	}}
	client := dns.Client{Timeout: 5 * time.Second}
	conn, err := client.DialContext(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	fresh, err := takeTurns(ctx, probeRounds, ours, bareQuestions(func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		resp, _, err := client.ExchangeContext(ctx, q, addr)
		return resp, err
	}))
	if err != nil {
		return err
	}
	reused, err := takeTurns(ctx, probeRounds, ours, bareQuestions(func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		resp, _, err := client.ExchangeWithConnContext(ctx, q, conn)
		return resp, err
	}))
	t.compared("domain probe / miekg/dns, a socket per question", "looks", fresh, 0.7)
	t.compared("domain probe / miekg/dns, one socket for all", "looks", reused, 0)
	return err
}

func bareQuestions(ask func(context.Context, *dns.Msg) (*dns.Msg, error)) side {
	return side{do: func(ctx context.Context) (float64, error) {
		return each(ctx, probeLooks, 1, func(ctx context.Context, _ int) error {
			q := new(dns.Msg).SetQuestion("example.jp.", dns.TypeTXT)
			q.SetEdns0(1232, false)
			resp, err := ask(ctx, q)
			if err == nil && len(resp.Answer) != 1 {
				err = fmt.Errorf("%d answers", len(resp.Answer))
			}
			return err
		})
	}}
}

// answerTXT answers every question with the value, as fast as the library can.
func answerTXT(ctx context.Context) (addr string, stop func(), err error) {
	pc, err := new(net.ListenConfig).ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := replyTXT(buf[:n]); reply != nil {
				_, _ = pc.WriteTo(reply, from) // who gets no answer says so
			}
		}
	}()
	return pc.LocalAddr().String(), func() { _ = pc.Close(); <-ended }, nil
}

func replyTXT(packet []byte) []byte {
	q := new(dns.Msg)
	if q.Unpack(packet) != nil {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	m.SetEdns0(1232, false)
	m.Answer = []dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: []string{probeToken},
	}}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}
