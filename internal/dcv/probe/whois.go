package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"securemailid.example/internal/fault"
)

const (
	maxWHOIS     = 64 << 10 // bytes of one answer
	maxContacts  = 10
	maxHandles   = 3 // contact handles of JPRS that are asked for
	maxReferrals = 2 // registry, registrar
	ianaWHOIS    = "whois.iana.org:43"
	jprsWHOIS    = "whois.jprs.jp"
)

// whois asks WHOIS servers on port 43 (RFC 3912).
type whois struct {
	dns     *resolver
	guard   guard
	ports   map[string]string
	server  string
	timeout time.Duration
}

// Contacts returns the e-mail addresses of registrant, administrative and technical contact that WHOIS publishes for the registrable
// domain (G17), each once and at most ten; none is no error. A server that does not answer is a fault of kind Unavailable.
func (p *Prober) Contacts(ctx context.Context, domain string) ([]string, error) {
	name, err := asciiDomain(domain)
	if err != nil {
		return nil, err
	}
	base, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return []string{}, nil // a public suffix has no registrant of its own
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	found, err := p.whois.contacts(limited, base)
	if err != nil {
		return nil, ended(ctx, fault.New(fault.Unavailable, "whois.unavailable", "WHOIS サーバーから応答がありません。自動的に再確認します。",
			"The WHOIS server does not answer; we will ask again by ourselves.").Because(err))
	}
	return found, nil
}

// contacts asks the configured server, or follows referrals from IANA to the registry and on to the registrar.
func (w *whois) contacts(ctx context.Context, domain string) ([]string, error) {
	if w.server != "" {
		answer, err := w.query(ctx, w.server, domain)
		return unique(answer), err
	}
	_, suffix, _ := strings.Cut(domain, ".")
	root := suffix[strings.LastIndexByte(suffix, '.')+1:]
	answer, err := w.ask(ctx, ianaWHOIS, root)
	if err != nil {
		return nil, err
	}
	var found []string
	for range maxReferrals {
		server := referral(answer)
		if server == "" {
			break
		}
		if answer, err = w.ask(ctx, net.JoinHostPort(server, "43"), wording(server, domain)); err != nil {
			return nil, err
		}
		contacts, err := w.follow(ctx, net.JoinHostPort(server, "43"), answer)
		if err != nil {
			return nil, err
		}
		found = append(found, contacts...)
	}
	return unique(found), nil
}

// query asks one server about a domain and the contact handles that it names.
func (w *whois) query(ctx context.Context, server, domain string) ([]string, error) {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	answer, err := w.ask(ctx, server, wording(host, domain))
	if err != nil {
		return nil, err
	}
	return w.follow(ctx, server, answer)
}

// follow returns the addresses of an answer and of the handles in it.
func (w *whois) follow(ctx context.Context, server, answer string) ([]string, error) {
	found := addresses(answer)
	for _, handle := range handles(answer) {
		contact, err := w.ask(ctx, server, handle+"/e")
		if err != nil {
			return nil, err
		}
		found = append(found, addresses(contact)...)
	}
	return found, nil
}

// wording is how a server wants to be asked: JPRS answers in English to "/e", Verisign looks for exactly a domain with a keyword.
func wording(server, domain string) string {
	switch {
	case server == jprsWHOIS || strings.HasSuffix(domain, ".jp"):
		return domain + "/e"
	case strings.HasSuffix(server, ".verisign-grs.com"):
		return "domain " + domain
	default:
		return domain
	}
}

// ask sends one line and reads the answer, cut at its limit.
func (w *whois) ask(ctx context.Context, server, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	conn, err := w.dial(ctx, server)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxWHOIS))
	if err == nil && len(answer) == 0 {
		err = fmt.Errorf("%s hung up without an answer", server) // not the same as knowing no contact
	}
	return string(answer), err
}

func (w *whois) dial(ctx context.Context, server string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	var targets []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil && w.guard.allows(ip) {
		targets = []netip.Addr{ip}
	} else if err == nil {
		return nil, errors.New("WHOIS server has a forbidden address")
	} else if targets, _, err = resolve(ctx, w.dns, w.guard, host); err != nil {
		return nil, err
	}
	if mapped, ok := w.ports[port]; ok {
		port = mapped
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(targets[0].String(), port))
}

var (
	referralLine = regexp.MustCompile(`(?i)^\s*(?:refer|whois|registrar whois server|whois server):\s*(?:r?whois://)?([a-z0-9.-]+)/?\s*$`)
	// A key must name the role: an address of the registrar or its abuse desk speaks for nobody.
	genericEmail = regexp.MustCompile(`(?i)^\s*(?:registrant|admin|administrative|tech|technical)(?: contact)? e-?mail:\s*(\S+)\s*$`)
	jprsEmail    = regexp.MustCompile(`(?i)^\s*(?:[a-z]\. ?)?\[(?:e-?mail|電子メイル)\]\s*(\S+)\s*$`)
	jprsHandle   = regexp.MustCompile(`(?i)^\s*(?:[a-z]\. ?)?\[(?:administrative contact|technical contact|登録担当者|技術連絡担当者)\]\s*([a-z0-9]{3,20}jp)\s*$`)
)

// referral returns the WHOIS server that an answer refers to, if it has the form of a host name.
func referral(answer string) string {
	host := first(answer, referralLine)
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || strings.HasPrefix(host, ".") {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func first(answer string, line *regexp.Regexp) string {
	if m := matches(answer, line); len(m) > 0 {
		return m[0]
	}
	return ""
}

// handles returns the contact handles of a JPRS answer, each once.
func handles(answer string) []string {
	found := matches(answer, jprsHandle)
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(len(found), maxHandles)]
}

// addresses returns what stands at the keys of registrant, administrative and technical contact.
func addresses(answer string) []string {
	return append(matches(answer, genericEmail), matches(answer, jprsEmail)...)
}

func matches(answer string, line *regexp.Regexp) []string {
	var found []string
	for text := range strings.Lines(answer) {
		if m := line.FindStringSubmatch(text); m != nil {
			found = append(found, m[1])
		}
	}
	return found
}

// unique keeps the valid addresses, the domain in lower case, each once.
func unique(found []string) []string {
	var out []string
	for _, candidate := range found {
		a, ok := mailbox(candidate)
		if ok && len(out) < maxContacts && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

var mailboxForm = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$`)

// mailbox accepts plain addresses only; whatever is unusual in a stranger's answer is left out.
func mailbox(s string) (string, bool) {
	if len(s) > 254 || !mailboxForm.MatchString(s) {
		return "", false
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return "", false
	}
	at := strings.LastIndexByte(s, '@')
	return s[:at] + "@" + strings.ToLower(s[at+1:]), true
}
