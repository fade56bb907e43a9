package netlab

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

func (l *Lab) serveWHOIS(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.answerWHOIS(conn) })
	}
}

// answerWHOIS reads one line and answers it, within a second: nobody may keep a connection open past Close for longer.
func (l *Lab) answerWHOIS(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	line, err := bufio.NewReader(io.LimitReader(conn, 512)).ReadString('\n')
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, l.whois(line))
}

// whois answers in the form of JPRS, in English: names directly under jp carry their contact's address, those under co.jp and
// its like name handles that must be asked for.
func (w *World) whois(query string) string {
	query = canonical(strings.TrimSuffix(strings.TrimSpace(query), "/e"))
	w.mu.RLock()
	defer w.mu.RUnlock()
	if domain, address, ok := w.handle(query); ok {
		return fmt.Sprintf("%s\nContact Information:\na. [JPNIC Handle]               %s\nd. [E-Mail]                     %s\ng. [Organization]               %s\n",
			banner, strings.ToUpper(query), address, strings.ToUpper(domain))
	}
	contacts, ok := w.contacts(query)
	if !ok {
		return banner + "\nNo match!!\n"
	}
	if attributeType(query) {
		return fmt.Sprintf("%s\nDomain Information:\na. [Domain Name]                %s\n%s[State]                         Connected\n",
			banner, strings.ToUpper(query), handles(query, contacts))
	}
	return fmt.Sprintf("%s\nDomain Information:\n[Domain Name]                   %s\n[Status]                        Active\n\nContact Information:\n%s",
		banner, strings.ToUpper(query), emails(contacts))
}

const banner = "[ This database exists on this machine only and describes example domains. ]\n[ Its abuse desk is abuse@registry.example, which is nobody's contact.     ]\n"

// contacts are those that were set, or one address for a domain of the zones.
func (w *World) contacts(domain string) ([]string, bool) {
	if set, ok := w.content.Contacts[domain]; ok {
		return set, true
	}
	if w.inZones(domain) {
		return []string{"whois-contact@" + domain}, true
	}
	return nil, false
}

// attributeType are the domains for one kind of organisation each.
func attributeType(domain string) bool {
	rest, _, _ := strings.Cut(strings.TrimSuffix(domain, ".jp"), ".")
	return strings.HasSuffix(domain, ".jp") && rest+".jp" != domain
}

var roles = []string{"m. [Administrative Contact]", "n. [Technical Contact]"}

func handles(domain string, contacts []string) string {
	var b strings.Builder
	for i := range contacts {
		fmt.Fprintf(&b, "%-32s%s\n", roles[min(i, len(roles)-1)], strings.ToUpper(handleOf(domain, i)))
	}
	return b.String()
}

func emails(contacts []string) string {
	var b strings.Builder
	for _, c := range contacts {
		fmt.Fprintf(&b, "[Email]                         %s\n", c)
	}
	return b.String()
}

// handleOf names the i-th contact of a domain.
func handleOf(domain string, i int) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, domain)
	return fmt.Sprintf("nl%08d%djp", h.Sum32()%1e8, i)
}

// handle finds the contact that a handle names.
func (w *World) handle(query string) (domain, address string, ok bool) {
	known := slices.Clone(w.zones)
	for d := range w.content.Contacts {
		known = append(known, d)
	}
	for _, d := range known {
		contacts, _ := w.contacts(d)
		for i, c := range contacts {
			if handleOf(d, i) == query {
				return d, c, true
			}
		}
	}
	return "", "", false
}
