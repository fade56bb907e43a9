package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"securemailid.example/internal/dcv"
)

const (
	maxAliases  = 8 // CNAMEs that are followed
	maxAttempts = 4 // exchanges for one question
	rounds      = 2 // times that each resolver is asked; C9 demands one retry
	ednsSize    = 1232
	proofLasts  = time.Hour
)

var (
	errReply         = errors.New("the reply does not fit the question")
	errNotValidating = errors.New("the resolver does not validate DNSSEC")
)

// resolver asks recursive resolvers that we trust. It never asks the domain's own servers.
type resolver struct {
	servers    []*server
	dnssec     bool
	signedZone string
	timeout    time.Duration
	now        func() time.Time
}

func newResolver(c Config) *resolver {
	r := &resolver{dnssec: c.RequireDNSSEC, signedZone: dns.Fqdn(c.SignedZone), timeout: c.Timeout, now: c.Now}
	for _, addr := range c.Resolvers {
		r.servers = append(r.servers, newServer(addr, c.Timeout, c.RequireDNSSEC))
	}
	return r
}

func (r *resolver) close() error {
	for _, s := range r.servers {
		s.close()
	}
	return nil
}

// lookup returns the records of one type at a name, aliases followed, with an observation for each exchange. None, whether the name
// exists or not, is no error. A *trouble is the domain's failure; any other error is ours.
func (r *resolver) lookup(ctx context.Context, name string, rrtype uint16) ([]dns.RR, []dcv.Observation, error) {
	name = dns.CanonicalName(name)
	if _, ok := dns.IsDomainName(name); !ok {
		return nil, nil, &trouble{kind: dcv.DNSMalformed}
	}
	var trail []dcv.Observation
	for range maxAliases {
		resp, seen, err := r.ask(ctx, name, rrtype)
		trail = append(trail, seen...)
		if err != nil {
			return nil, trail, err
		}
		records, end, err := follow(resp.Answer, name, rrtype)
		if err != nil {
			return nil, trail, err
		}
		if len(records) > 0 || end == name || resp.Rcode == dns.RcodeNameError {
			return records, trail, nil
		}
		name = end // the resolver left the rest of the chain to us
	}
	return nil, trail, &trouble{kind: dcv.DNSAliasLoop}
}

// follow walks the aliases inside one answer and returns the records of the wanted type at the end of the chain. Records of any other
// owner do not count, whatever else an answer holds.
func follow(answer []dns.RR, name string, rrtype uint16) (records []dns.RR, end string, err error) {
	for range maxAliases + 1 {
		var alias string
		for _, rr := range answer {
			h := rr.Header()
			if h.Class != dns.ClassINET || dns.CanonicalName(h.Name) != name {
				continue
			}
			if h.Rrtype == rrtype {
				records = append(records, rr)
			}
			if cname, ok := rr.(*dns.CNAME); ok {
				alias = dns.CanonicalName(cname.Target)
			}
		}
		if len(records) > 0 || alias == "" {
			return records, name, nil
		}
		name = alias
	}
	return nil, name, &trouble{kind: dcv.DNSAliasLoop}
}

// ask puts one question to the resolvers in turn until one gives an answer that stands: records, none, or no such name.
func (r *resolver) ask(ctx context.Context, name string, rrtype uint16) (*dns.Msg, []dcv.Observation, error) {
	attempts := min(rounds*len(r.servers), maxAttempts)
	var trail []dcv.Observation
	for i := 0; ; i++ {
		s, q := r.servers[i%len(r.servers)], r.question(name, rrtype)
		resp, from, err := r.exchange(ctx, s, q)
		trail = append(trail, r.observe(q, resp, from, err))
		switch {
		case err == nil && (resp.Rcode == dns.RcodeSuccess || resp.Rcode == dns.RcodeNameError):
			return resp, trail, nil
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, trail, ctx.Err()
		case ctx.Err() != nil || i+1 == attempts:
			return nil, trail, r.verdict(ctx, s, q, resp, err)
		}
	}
}

func (r *resolver) question(name string, rrtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, rrtype)
	q.SetEdns0(ednsSize, r.dnssec)
	q.AuthenticatedData = r.dnssec
	return q
}

// exchange asks one resolver, once it has proved itself where DNSSEC is required.
func (r *resolver) exchange(ctx context.Context, s *server, q *dns.Msg) (resp *dns.Msg, from string, err error) {
	if r.dnssec {
		if from, err := r.prove(ctx, s); err != nil {
			return nil, from, err
		}
	}
	return s.exchange(ctx, q)
}

// prove makes sure that the resolver validates: it must call a signed record authentic. Without that an AD bit that is never set would
// pass for a zone that is not signed (C10).
func (r *resolver) prove(ctx context.Context, s *server) (from string, err error) {
	if r.now().UnixNano() < s.provenUntil.Load() {
		return s.addr, nil
	}
	resp, from, err := s.exchange(ctx, r.question(r.signedZone, dns.TypeSOA))
	if err != nil {
		return from, err
	}
	if !resp.AuthenticatedData || resp.Rcode != dns.RcodeSuccess || len(resp.Answer) == 0 {
		return from, errNotValidating
	}
	s.provenUntil.Store(r.now().Add(proofLasts).UnixNano())
	return from, nil
}

// verdict says whose failure the last exchange was. Only a resolver that answers other questions may blame the domain.
func (r *resolver) verdict(ctx context.Context, s *server, q, resp *dns.Msg, err error) error {
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errNotValidating) || errors.Is(err, errUntrusted):
		return unavailable(err)
	case isNet && netErr.Timeout() && r.alive(ctx, s):
		return &trouble{kind: dcv.DNSTimeout, cause: err}
	case isNet:
		return unavailable(err)
	case err != nil:
		return &trouble{kind: dcv.DNSMalformed, cause: err}
	case resp.Rcode == dns.RcodeServerFailure && r.bogus(ctx, s, q):
		return &trouble{kind: dcv.DNSBogus}
	case resp.Rcode == dns.RcodeRefused && r.alive(ctx, s):
		return &trouble{kind: dcv.DNSRefused}
	case resp.Rcode == dns.RcodeRefused:
		return unavailable(fmt.Errorf("resolver %s refuses us", s.addr))
	default:
		return &trouble{kind: dcv.DNSServerFailure, cause: errors.New(dns.RcodeToString[resp.Rcode])}
	}
}

// alive asks the resolver something that it can always answer; the time of the caller may be used up.
func (r *resolver) alive(ctx context.Context, s *server) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer cancel()
	resp, _, err := s.exchange(ctx, r.question(r.signedZone, dns.TypeSOA))
	return err == nil && resp.Rcode != dns.RcodeRefused
}

// bogus tells a failed validation from other server failures, for the words of the finding only: an answer that comes when checking is
// disabled (CD) is never used.
func (r *resolver) bogus(ctx context.Context, s *server, q *dns.Msg) bool {
	if !r.dnssec {
		return false
	}
	again := q.Copy()
	again.Id, again.CheckingDisabled = dns.Id(), true
	resp, _, err := s.exchange(ctx, again)
	return err == nil && (resp.Rcode == dns.RcodeSuccess || resp.Rcode == dns.RcodeNameError)
}

// observe notes one exchange, with the resolver's address even when nothing came back.
func (r *resolver) observe(q, resp *dns.Msg, from string, err error) dcv.Observation {
	o := dcv.Observation{At: r.now(), From: from, Asked: dns.TypeToString[q.Question[0].Qtype] + " " + strings.TrimSuffix(q.Question[0].Name, ".")}
	switch {
	case err != nil:
		o.Problem = dcv.Shorten(err.Error(), shownLength)
	case resp.Rcode != dns.RcodeSuccess:
		o.Problem = problem(resp)
	case len(resp.Answer) == 0:
		o.Problem = "NODATA"
	}
	if err == nil {
		o.Secure = r.dnssec && resp.AuthenticatedData
		o.Answer = shown(resp.Answer)
	}
	return o
}

// problem names the response code, and the resolver's own explanation where it gives one (RFC 8914).
func problem(resp *dns.Msg) string {
	p := dns.RcodeToString[resp.Rcode]
	if opt := resp.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				return fmt.Sprintf("%s (EDE %d)", p, ede.InfoCode)
			}
		}
	}
	return p
}

func shown(answer []dns.RR) []string {
	var out []string
	for _, rr := range answer[:min(len(answer), maxAnswers)] {
		h := rr.Header()
		data := strings.TrimPrefix(rr.String(), h.String())
		out = append(out, dns.TypeToString[h.Rrtype]+" "+dcv.Shorten(data, shownLength))
	}
	return out
}

// unescape undoes the library's presentation form of character-strings (\" \\ \DDD), so that the bytes of the record are judged.
func unescape(strs []string) []string {
	out := make([]string, len(strs))
	for i, s := range strs {
		if !strings.Contains(s, `\`) {
			out[i] = s
			continue
		}
		b := make([]byte, 0, len(s))
		for j := 0; j < len(s); j++ {
			switch {
			case s[j] != '\\' || j+1 == len(s):
				b = append(b, s[j])
			case j+3 < len(s) && isDigit(s[j+1]) && isDigit(s[j+2]) && isDigit(s[j+3]):
				b = append(b, (s[j+1]-'0')*100+(s[j+2]-'0')*10+(s[j+3]-'0'))
				j += 3
			default:
				b = append(b, s[j+1])
				j++
			}
		}
		out[i] = string(b)
	}
	return out
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// server is one resolver with its sockets.
type server struct {
	addr        string
	udp, tcp    dns.Client
	trusted     bool // must be on this machine or a private network
	idle        chan *socket
	provenUntil atomic.Int64 // Unix nanoseconds
}
