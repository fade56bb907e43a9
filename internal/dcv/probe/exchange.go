package probe

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	idleSockets = 32
	// maxUses bounds how long a source port lives, since a fixed port halves the work of guessing a forged reply. The way to the resolver
	// is short and our own; the bound costs a new socket in 64 questions.
	maxUses = 64
)

var errUntrusted = errors.New("the resolver is not on this machine or a private network, so that its AD bit proves nothing")

// socket is a connected UDP socket: the kernel lets only the resolver's address answer on it.
type socket struct {
	*dns.Conn
	uses int
}

func newServer(addr string, timeout time.Duration, trusted bool) *server {
	return &server{
		addr: addr, trusted: trusted, idle: make(chan *socket, idleSockets),
		udp: dns.Client{Net: "udp", Timeout: timeout, UDPSize: ednsSize},
		tcp: dns.Client{Net: "tcp", Timeout: timeout},
	}
}

func (s *server) close() {
	for {
		select {
		case c := <-s.idle:
			_ = c.Close()
		default:
			return
		}
	}
}

// exchange asks by UDP, and by TCP where the answer did not fit. A reply that fits the question comes back without an error, whatever
// its response code. from is the resolver's address, as far as it is known.
func (s *server) exchange(ctx context.Context, q *dns.Msg) (resp *dns.Msg, from string, err error) {
	resp, from, err = s.overUDP(ctx, q)
	if resp != nil && resp.Truncated && resp.Id == q.Id { // a cut message need not even parse
		resp, from, err = s.overTCP(ctx, q)
		if err == nil && resp.Truncated {
			err = errReply
		}
	}
	if err == nil && !fits(q, resp) {
		err = errReply
	}
	if err != nil {
		return nil, from, err
	}
	return resp, from, nil
}

func (s *server) overUDP(ctx context.Context, q *dns.Msg) (*dns.Msg, string, error) {
	c, err := s.socket(ctx)
	if err != nil {
		return nil, s.addr, err
	}
	from := c.RemoteAddr().String()
	// A cancelled context wakes the read; the socket is not used again then, nor after any failure: a late reply would meet the next question.
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	resp, _, err := s.udp.ExchangeWithConnContext(ctx, q, c.Conn)
	c.uses++
	if undisturbed := stop(); err != nil || !undisturbed || c.uses >= maxUses {
		_ = c.Close()
		return resp, from, err
	}
	select {
	case s.idle <- c:
	default:
		_ = c.Close()
	}
	return resp, from, nil
}

func (s *server) overTCP(ctx context.Context, q *dns.Msg) (*dns.Msg, string, error) {
	c, err := s.dial(ctx, &s.tcp)
	if err != nil {
		return nil, s.addr, err
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	resp, _, err := s.tcp.ExchangeWithConnContext(ctx, q, c)
	return resp, c.RemoteAddr().String(), err
}

func (s *server) socket(ctx context.Context) (*socket, error) {
	select {
	case c := <-s.idle:
		return c, nil
	default:
		c, err := s.dial(ctx, &s.udp)
		if err != nil {
			return nil, err
		}
		return &socket{Conn: c}, nil
	}
}

func (s *server) dial(ctx context.Context, client *dns.Client) (*dns.Conn, error) {
	c, err := client.DialContext(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	if s.trusted && !local(c.RemoteAddr()) {
		_ = c.Close()
		return nil, errUntrusted
	}
	return c, nil
}

func local(a net.Addr) bool {
	var ip net.IP
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.TCPAddr:
		ip = a.IP
	}
	return ip.IsLoopback() || ip.IsPrivate()
}

// fits reports whether resp answers q: the library has compared the ID, a forged or confused reply differs in the rest.
func fits(q, resp *dns.Msg) bool {
	return resp.Response && resp.Opcode == dns.OpcodeQuery && len(resp.Question) == 1 &&
		resp.Question[0].Qtype == q.Question[0].Qtype && resp.Question[0].Qclass == q.Question[0].Qclass &&
		strings.EqualFold(resp.Question[0].Name, q.Question[0].Name)
}
