package netlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// Content is everything that was published, in the form in which it is kept and listed.
type Content struct {
	Records  map[string]map[string][]string `json:"records"`  // name → type → values; TXT as plain text, others as in a zone file
	Files    map[string]map[string]string   `json:"files"`    // host → path → content
	Contacts map[string][]string            `json:"contacts"` // domain → addresses in WHOIS
}

// World holds what the servers answer. All methods may be called at any time; each change is answered at once and, with a
// directory, kept before the method returns.
type World struct {
	mu      sync.RWMutex
	content Content
	rrs     map[string]map[uint16][]dns.RR // content.Records, parsed
	file    string
	zones   []string
	web     netip.Addr
}

// ReservedZones returns the domains that are reserved for examples (RFC 2606, and JPRS's for .jp).
func ReservedZones() []string {
	zones := []string{"example", "test", "example.com", "example.net", "example.org"}
	for _, digit := range append([]string{""}, strings.Split("0123456789", "")...) {
		for _, under := range []string{"jp", "co.jp", "or.jp", "ne.jp", "ac.jp", "go.jp"} {
			zones = append(zones, "example"+digit+"."+under)
		}
	}
	return zones
}

func openWorld(file string, zones []string) (*World, error) {
	if zones == nil {
		zones = ReservedZones()
	}
	w := &World{file: file, zones: zones, rrs: map[string]map[uint16][]dns.RR{}}
	if file != "" {
		if err := w.load(); err != nil {
			return nil, fmt.Errorf("netlab: %s: %w", file, err)
		}
	}
	if w.content.Records == nil {
		w.content.Records = map[string]map[string][]string{}
	}
	if w.content.Files == nil {
		w.content.Files = map[string]map[string]string{}
	}
	if w.content.Contacts == nil {
		w.content.Contacts = map[string][]string{}
	}
	return w, nil
}

func (w *World) load() error {
	raw, err := os.ReadFile(w.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &w.content); err != nil {
		return err
	}
	for name, types := range w.content.Records {
		for rrtype, values := range types {
			rrs, err := parse(name, rrtype, values)
			if err != nil {
				return err
			}
			w.put(name, rrtype, rrs)
		}
	}
	return nil
}

// save writes the whole content beside the old and moves it into place, so that a crash leaves one or the other.
func (w *World) save() error {
	if w.file == "" {
		return nil
	}
	raw, err := json.MarshalIndent(w.content, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(w.file+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(w.file+".new", w.file)
}

// Content returns a copy of everything that was published.
func (w *World) Content() Content {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := Content{Records: map[string]map[string][]string{}, Files: map[string]map[string]string{}, Contacts: maps.Clone(w.content.Contacts)}
	for name, types := range w.content.Records {
		c.Records[name] = maps.Clone(types)
	}
	for host, files := range w.content.Files {
		c.Files[host] = maps.Clone(files)
	}
	return c
}

// Set replaces the records of one type at a name. Values are as in a zone file, TXT as plain text of any length.
func (w *World) Set(name, rrtype string, values ...string) error {
	name, rrtype = canonical(name), strings.ToUpper(rrtype)
	rrs, err := parse(name, rrtype, values)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alone(name, rrtype); err != nil {
		return err
	}
	if w.content.Records[name] == nil {
		w.content.Records[name] = map[string][]string{}
	}
	w.content.Records[name][rrtype] = slices.Clone(values)
	w.put(name, rrtype, rrs)
	return w.save()
}

// alone holds the rule that a CNAME stands beside no other record (RFC 1034 section 3.6.2).
func (w *World) alone(name, rrtype string) error {
	for other := range w.content.Records[name] {
		if other != rrtype && (other == "CNAME" || rrtype == "CNAME") {
			return fmt.Errorf("netlab: %s has a %s record, and a CNAME stands beside no other", name, other)
		}
	}
	return nil
}

func (w *World) put(name, rrtype string, rrs []dns.RR) {
	if w.rrs[name] == nil {
		w.rrs[name] = map[uint16][]dns.RR{}
	}
	w.rrs[name][dns.StringToType[rrtype]] = rrs
}

// SetTXT publishes TXT records, one for each value.
func (w *World) SetTXT(name string, values ...string) error { return w.Set(name, "TXT", values...) }

// SetCNAME publishes an alias.
func (w *World) SetCNAME(name, target string) error { return w.Set(name, "CNAME", target) }

// SetCAA publishes CAA records, each as in a zone file: `0 issuemail "ca.example"`.
func (w *World) SetCAA(name string, values ...string) error { return w.Set(name, "CAA", values...) }

// Remove withdraws the records of one type at a name, or all of the name for an empty type. What is not there is no error.
func (w *World) Remove(name, rrtype string) error {
	name, rrtype = canonical(name), strings.ToUpper(rrtype)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.content.Records[name], rrtype)
	delete(w.rrs[name], dns.StringToType[rrtype])
	if rrtype == "" || len(w.content.Records[name]) == 0 {
		delete(w.content.Records, name)
		delete(w.rrs, name)
	}
	return w.save()
}

// SetFile puts a file on the web host of a name.
func (w *World) SetFile(host, path, content string) error {
	host = canonical(host)
	if !strings.HasPrefix(path, "/") || !validName(host) {
		return fmt.Errorf("netlab: a file needs a host name and a path that begins with /")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.content.Files[host] == nil {
		w.content.Files[host] = map[string]string{}
	}
	w.content.Files[host][path] = content
	return w.save()
}

// RemoveFile takes a file away. What is not there is no error.
func (w *World) RemoveFile(host, path string) error {
	host = canonical(host)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.content.Files[host], path)
	if len(w.content.Files[host]) == 0 {
		delete(w.content.Files, host)
	}
	return w.save()
}

// SetContacts says which addresses WHOIS publishes for a domain; none at all is an answer too.
func (w *World) SetContacts(domain string, addresses ...string) error {
	domain = canonical(domain)
	if !validName(domain) || slices.ContainsFunc(addresses, hasControl) {
		return fmt.Errorf("netlab: contacts need a domain and addresses on one line each")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.content.Contacts[domain] = append([]string{}, addresses...)
	return w.save()
}

func canonical(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")
}

func validName(name string) bool {
	_, ok := dns.IsDomainName(name)
	return ok && name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
