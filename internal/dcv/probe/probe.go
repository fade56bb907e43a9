// Package probe is domain control validation's eyes: a DNS client, a fetcher for the file method, and a WHOIS client. Whatever they
// ask is in strangers' hands, so every read is bounded in size and time, every address is checked before it is dialled, and each
// look is kept as an observation. Judging is left to package dcv.
package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Config of New. A zero duration stands for its default.
type Config struct {
	Resolvers []string      // host:port of our recursive resolvers, asked in this order
	Timeout   time.Duration // of one DNS exchange, connection or WHOIS answer; 5 s
	Limit     time.Duration // of one whole Probe, CheckCAA or Contacts; 30 s

	// RequireDNSSEC makes a resolver prove that it validates before its answers count, and bogus answers a refusal (C10, C11). The
	// resolvers must then be on this machine or a private network, since their AD bit is not protected on the way.
	RequireDNSSEC bool
	SignedZone    string // its signed SOA record is the proof; "." when empty

	CAAIssuers []string       // issuer domain names that mean us in issuemail (C12)
	UserAgent  string         // of the file method; names the product when empty
	RootCAs    *x509.CertPool // for https redirects; nil: the system's
	WHOIS      string         // host:port of the only WHOIS server to ask; empty: by referral from whois.iana.org

	// For the development stack only: loopback addresses may be dialled, and the ports 80, 443 and 43 stand for others.
	AllowLoopback bool
	Ports         map[string]string

	Now func() time.Time // nil: time.Now
}

// Prober looks for challenges, checks CAA and finds WHOIS contacts. Its methods may be called at the same time.
type Prober struct {
	dns     *resolver
	web     *fetcher
	whois   *whois
	issuers []string
	limit   time.Duration
	now     func() time.Time
}

// New returns a Prober, or an error that says what the configuration lacks. It opens no socket yet.
func New(c Config) (*Prober, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.defaults()
	r := newResolver(c)
	g := guard{allowLoopback: c.AllowLoopback}
	return &Prober{
		dns:     r,
		web:     &fetcher{dns: r, guard: g, ports: c.Ports, agent: c.UserAgent, roots: c.RootCAs, timeout: c.Timeout, now: c.Now},
		whois:   &whois{dns: r, guard: g, ports: c.Ports, server: c.WHOIS, timeout: c.Timeout},
		issuers: c.CAAIssuers,
		limit:   c.Limit,
		now:     c.Now,
	}, nil
}

func (c *Config) check() error {
	if len(c.Resolvers) == 0 {
		return errors.New("probe: no DNS resolver is configured")
	}
	for _, addr := range c.Resolvers {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("probe: resolver must be host:port: %w", err)
		}
	}
	if len(c.Ports) > 0 && !c.AllowLoopback {
		return errors.New("probe: ports can be mapped in the development stack only (A11)")
	}
	return nil
}

func (c *Config) defaults() {
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Limit <= 0 {
		c.Limit = 30 * time.Second
	}
	if c.SignedZone == "" {
		c.SignedZone = "."
	}
	if c.UserAgent == "" {
		c.UserAgent = strings.ReplaceAll(order.Product, " ", "") + "-Validation/1.0"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Close closes the sockets that are kept for reuse. Nothing may be asked afterwards.
func (p *Prober) Close() error { return p.dns.close() }

// Probe looks for the challenge's value once. Whatever the domain's servers do is a finding; an error means that our resolver could not
// be used, or that ctx ended. An expired challenge is not looked for (A10, A11).
func (p *Prober) Probe(ctx context.Context, c dcv.Challenge) (dcv.Finding, error) {
	if c.Expired(p.now()) {
		return dcv.Expired(c), nil
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	var f dcv.Finding
	var trail []dcv.Observation
	var err error
	switch c.Method {
	case order.DCVTXT:
		f, trail, err = p.probeTXT(limited, c)
	case order.DCVCNAME:
		f, trail, err = p.probeCNAME(limited, c)
	case order.DCVFile:
		f, trail, err = p.probeFile(limited, c)
	default:
		return dcv.Finding{}, fault.New(fault.Invalid, "dcv.method", "この認証方法では、自動で確認するものがありません。",
			"There is nothing to look for with this validation method.")
	}
	if t, ok := errors.AsType[*trouble](err); ok && ctx.Err() == nil {
		f, err = dcv.Failed(c, t.kind), nil
	}
	f.Observations = clip(trail)
	return f, ended(ctx, err)
}

func (p *Prober) probeTXT(ctx context.Context, c dcv.Challenge) (dcv.Finding, []dcv.Observation, error) {
	rrs, trail, err := p.dns.lookup(ctx, c.Domain, dns.TypeTXT)
	if err != nil {
		return dcv.Finding{}, trail, err
	}
	records := make([][]string, 0, len(rrs))
	for _, rr := range rrs {
		if txt, ok := rr.(*dns.TXT); ok {
			records = append(records, unescape(txt.Txt))
		}
	}
	return dcv.JudgeTXT(c, records), trail, nil
}

func (p *Prober) probeCNAME(ctx context.Context, c dcv.Challenge) (dcv.Finding, []dcv.Observation, error) {
	rrs, trail, err := p.dns.lookup(ctx, c.Instruction().RecordName, dns.TypeCNAME)
	if err != nil {
		return dcv.Finding{}, trail, err
	}
	targets := make([]string, 0, len(rrs))
	for _, rr := range rrs {
		if cname, ok := rr.(*dns.CNAME); ok {
			targets = append(targets, cname.Target)
		}
	}
	return dcv.JudgeCNAME(c, targets), trail, nil
}

func (p *Prober) probeFile(ctx context.Context, c dcv.Challenge) (dcv.Finding, []dcv.Observation, error) {
	page, trail, err := p.web.fetch(ctx, c.Instruction().FileURL, c.Token)
	if err != nil {
		return dcv.Finding{}, trail, err
	}
	return dcv.JudgeFile(c, page.status, page.body), trail, nil
}

// CheckCAA decides by RFC 9495 whether we may issue for mailboxes at the domain; U-labels are converted (C8). When the records cannot
// be looked up the decision is no permission, and beside it stands a fault of kind Unavailable: looking again may help (C9).
func (p *Prober) CheckCAA(ctx context.Context, domain string) (dcv.CAADecision, error) {
	name, err := asciiDomain(domain)
	if err != nil {
		return dcv.CAADecision{Code: dcv.CAALookupFailed}, err
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	d, err := dcv.DecideCAA(name, p.issuers, func(name string) ([]dcv.CAA, []dcv.Observation, error) {
		rrs, trail, err := p.dns.lookup(limited, name, dns.TypeCAA)
		records := make([]dcv.CAA, 0, len(rrs))
		for _, rr := range rrs {
			if caa, ok := rr.(*dns.CAA); ok {
				records = append(records, dcv.CAA{Flags: caa.Flag, Tag: caa.Tag, Value: caa.Value})
			}
		}
		return records, trail, err
	})
	d.Observations = clip(d.Observations)
	if err != nil {
		err = (&fault.Error{Kind: fault.Unavailable, Code: "caa.lookup-failed", Text: d.Text}).Because(err)
	}
	return d, ended(ctx, err)
}

// asciiDomain converts a domain to A-labels without a final dot.
func asciiDomain(domain string) (string, error) {
	name, err := toASCII(domain)
	if _, ok := dns.IsDomainName(name); err != nil || !ok || !strings.Contains(name, ".") {
		return "", fault.New(fault.Invalid, "domain.invalid", "ドメイン名が正しくありません。", "This is not a domain name.").Because(err)
	}
	return name, nil
}

// toASCII converts a name to A-labels without a final dot. The library would make a label of bytes that are no text at all.
func toASCII(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", errors.New("not UTF-8")
	}
	return idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
}

// trouble is an error that lies with the domain's servers and becomes a finding.
type trouble struct {
	kind  dcv.Trouble
	cause error
}

func (t *trouble) Error() string {
	if t.cause == nil {
		return string(t.kind)
	}
	return string(t.kind) + ": " + t.cause.Error()
}

func (t *trouble) Unwrap() error { return t.cause }

// unavailable is the fault for a resolver of ours that cannot be used.
func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "dns.unavailable", "ただいま DNS を確認できません。自動的に再確認します。",
		"DNS cannot be queried at the moment; we will look again by ourselves.").Because(cause)
}

// ended prefers the end of ctx over what it made fail.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

const (
	maxObservations = 24
	maxAnswers      = 8
	shownLength     = 120
)

// clip bounds what one check leaves as evidence; the last look is the one that decided.
func clip(trail []dcv.Observation) []dcv.Observation {
	if len(trail) <= maxObservations {
		return trail
	}
	return append(trail[:maxObservations/2:maxObservations/2], trail[len(trail)-maxObservations/2:]...)
}
