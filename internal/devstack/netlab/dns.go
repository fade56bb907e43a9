package netlab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	ttl        = 1 // seconds: a change is to be seen at once
	maxAliases = 9
)

// settable are the types that can be published.
var settable = []string{"A", "AAAA", "CAA", "CNAME", "MX", "TXT"}

// parse makes records of values.
func parse(name, rrtype string, values []string) ([]dns.RR, error) {
	if !validName(name) || !slices.Contains(settable, rrtype) {
		return nil, fmt.Errorf("netlab: records need a domain name and one of the types %s", strings.Join(settable, ", "))
	}
	if len(values) == 0 || rrtype == "CNAME" && len(values) > 1 {
		return nil, fmt.Errorf("netlab: %d values for %s", len(values), rrtype)
	}
	rrs := make([]dns.RR, 0, len(values))
	for _, v := range values {
		rr, err := parseOne(name, rrtype, v)
		if err != nil {
			return nil, err
		}
		rrs = append(rrs, rr)
	}
	return rrs, nil
}

func parseOne(name, rrtype, value string) (dns.RR, error) {
	if rrtype == "TXT" {
		return &dns.TXT{
			Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: ttl},
			Txt: characterStrings(value),
		}, nil
	}
	if hasControl(value) { // a second line would be a second record, or a directive
		return nil, fmt.Errorf("netlab: control character in a %s value", rrtype)
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", dns.Fqdn(name), ttl, rrtype, value))
	if err != nil || rr == nil {
		return nil, fmt.Errorf("netlab: not a %s value: %w", rrtype, err)
	}
	if c, ok := rr.(*dns.CNAME); ok { // a person types it without the final dot
		c.Target = dns.Fqdn(c.Target)
	}
	return rr, nil
}

// characterStrings cuts a text into strings of at most 255 bytes (RFC 1035 section 3.3), in the escaped form of the library.
func characterStrings(value string) []string {
	var out []string
	for chunk := range slices.Chunk([]byte(value), 255) {
		out = append(out, strings.ReplaceAll(string(chunk), `\`, `\\`))
	}
	if out == nil {
		return []string{""}
	}
	return out
}

type dnsHandler struct {
	world      *World
	validating bool
}

// ServeDNS answers one question with authority over everything: what is published, the reserved zones, and NXDOMAIN for the rest of
// the world, so that nothing asked here ever leaves the machine.
func (h dnsHandler) ServeDNS(rw dns.ResponseWriter, req *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(req)
	m.RecursionAvailable = true
	if len(req.Question) != 1 || req.Opcode != dns.OpcodeQuery || req.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeRefused
		_ = rw.WriteMsg(m)
		return
	}
	opt := req.IsEdns0()
	m.AuthenticatedData = h.validating && (req.AuthenticatedData || opt != nil && opt.Do())
	m.Answer, m.Rcode = h.world.resolve(req.Question[0])
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{soa}
	}
	size := dns.MinMsgSize
	if opt != nil {
		m.SetEdns0(1232, opt.Do())
		size = max(size, int(opt.UDPSize()))
	}
	if rw.RemoteAddr().Network() == "udp" {
		m.Truncate(size)
	}
	_ = rw.WriteMsg(m)
}

var soa = &dns.SOA{
	Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
	Ns:  "ns.example.", Mbox: "hostmaster.example.", Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: ttl,
}

// resolve follows aliases as a resolver would.
func (w *World) resolve(q dns.Question) ([]dns.RR, int) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var answer []dns.RR
	name := canonical(q.Name)
	for range maxAliases {
		if rrs := w.at(name, q.Qtype); len(rrs) > 0 {
			return append(answer, rrs...), dns.RcodeSuccess
		}
		aliases := w.rrs[name][dns.TypeCNAME]
		if len(aliases) == 0 {
			break
		}
		alias, ok := aliases[0].(*dns.CNAME)
		if !ok {
			return nil, dns.RcodeServerFailure
		}
		answer, name = append(answer, alias), canonical(alias.Target)
	}
	if !w.exists(name) {
		return answer, dns.RcodeNameError
	}
	return answer, dns.RcodeSuccess
}

// at returns the records of one type at a name: those that were set, or the web host's address for a name of the zones without any.
func (w *World) at(name string, rrtype uint16) []dns.RR {
	types := w.rrs[name]
	if name == "" && rrtype == dns.TypeSOA {
		return []dns.RR{soa}
	}
	if rrs := types[rrtype]; len(rrs) > 0 {
		return rrs
	}
	if !w.inZones(name) || types[dns.TypeA] != nil || types[dns.TypeAAAA] != nil || types[dns.TypeCNAME] != nil {
		return nil
	}
	hdr := dns.RR_Header{Name: dns.Fqdn(name), Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
	switch {
	case rrtype == dns.TypeA && w.web.Is4():
		return []dns.RR{&dns.A{Hdr: hdr, A: w.web.AsSlice()}}
	case rrtype == dns.TypeAAAA && w.web.Is6():
		return []dns.RR{&dns.AAAA{Hdr: hdr, AAAA: w.web.AsSlice()}}
	default:
		return nil
	}
}

// inZones reports whether a name has an address by itself; names with an underscore are for records, not for hosts.
func (w *World) inZones(name string) bool {
	return !strings.Contains(name, "_") && slices.ContainsFunc(w.zones, func(z string) bool { return below(name, z) })
}

// exists tells an empty answer from a name that is not there: a name is there when something is at it or below it.
func (w *World) exists(name string) bool {
	if w.inZones(name) || slices.ContainsFunc(w.zones, func(z string) bool { return below(z, name) }) {
		return true
	}
	for other := range w.rrs {
		if below(other, name) {
			return true
		}
	}
	return false
}

// below reports whether name is zone or under it; the root is above all.
func below(name, zone string) bool {
	return zone == "" || name == zone || strings.HasSuffix(name, "."+zone)
}
