package mailbox

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// newSMTP returns the server before it serves.
func newSMTP(b *Box) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{box: b, conn: c}, nil
	}))
	s.Domain = "mailbox.localhost"
	s.TLSConfig = b.opts.TLS
	s.MaxMessageBytes, s.MaxRecipients = 10<<20, 100
	s.ReadTimeout, s.WriteTimeout = 5*time.Minute, time.Minute
	s.ErrorLog = log.New(io.Discard, "", 0) // lost connections are what it is for
	return s
}

// session is one SMTP connection.
type session struct {
	box    *Box
	conn   *smtp.Conn
	authed bool
	from   string
	to     []string
}

// AuthMechanisms offers PLAIN if the mailbox has a password.
func (s *session) AuthMechanisms() []string {
	if s.box.opts.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks the user name and password.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		o := s.box.opts
		if subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(o.Username+"\x00"+o.Password)) != 1 {
			return smtp.ErrAuthFailed
		}
		s.authed = true
		return nil
	}), nil
}

// Mail notes the sender.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.box.opts.Username != "" && !s.authed {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

// Rcpt notes a recipient, unless the test wants it refused.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.box.faults.at(atRcpt, to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// Data keeps the mail.
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		if err := s.box.faults.at(atData, to); err != nil {
			return err
		}
	}
	if err := s.box.keep(s.from, s.to, data); err != nil {
		return err
	}
	for _, to := range s.to {
		if s.box.faults.at(atReply, to) != nil {
			return s.conn.Conn().Close()
		}
	}
	return nil
}

// Reset forgets the transaction.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }

// stage is where in the conversation a fault strikes.
type stage int

const (
	atRcpt  stage = iota // answer to RCPT
	atData               // answer to the content, which is thrown away
	atReply              // the content is kept, the answer never sent
)

// faults is what tests have asked for.
type faults struct {
	mu   sync.Mutex
	list []*problem
}

type problem struct {
	stage stage
	addr  string
	times int // how often it still strikes; negative: always
	err   error
}

func (f *faults) add(p *problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, p)
}

// at returns the error with which the server answers at this stage for addr, and counts it.
func (f *faults) at(s stage, addr string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.list {
		if p.stage == s && p.addr == addr && p.times != 0 {
			p.times--
			return p.err
		}
	}
	return nil
}

// reply is an SMTP answer of the given code that repeats the address, as real servers do.
func reply(code int, addr string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: fmt.Sprintf("<%s>: refused on request", addr)}
}

// Refuse answers RCPT for addr with a permanent code, such as 550, from now on.
func (b *Box) Refuse(addr string, code int) {
	b.faults.add(&problem{stage: atRcpt, addr: addr, times: -1, err: reply(code, addr)})
}

// RefuseContent answers the content of mails to addr with code, from now on, and keeps none of them.
func (b *Box) RefuseContent(addr string, code int) {
	b.faults.add(&problem{stage: atData, addr: addr, times: -1, err: reply(code, addr)})
}

// Defer answers RCPT for addr with a temporary code, such as 451, the next n times.
func (b *Box) Defer(addr string, code, n int) {
	b.faults.add(&problem{stage: atRcpt, addr: addr, times: n, err: reply(code, addr)})
}

// DropReply keeps the next n mails to addr but closes the connection instead of saying so: the sender cannot know.
func (b *Box) DropReply(addr string, n int) {
	b.faults.add(&problem{stage: atReply, addr: addr, times: n, err: net.ErrClosed})
}

// Heal forgets every fault asked for addr.
func (b *Box) Heal(addr string) {
	b.faults.mu.Lock()
	defer b.faults.mu.Unlock()
	b.faults.list = slices.DeleteFunc(b.faults.list, func(p *problem) bool { return p.addr == addr })
}

// listener remembers its connections, since the SMTP server ends only when each of them does.
type listener struct {
	net.Listener
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

// Accept hands out a connection that shut can close.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	if l.conns == nil {
		l.conns = map[net.Conn]struct{}{}
	}
	tc := &tracked{Conn: c, ln: l}
	l.conns[tc] = struct{}{}
	return tc, nil
}

// shut closes the listener and all its connections.
func (l *listener) shut() {
	l.mu.Lock()
	l.closed = true
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	_ = l.Close()
	for c := range conns {
		_ = c.Close()
	}
}

type tracked struct {
	net.Conn
	ln *listener
}

// Close also lets the listener forget the connection.
func (t *tracked) Close() error {
	t.ln.mu.Lock()
	delete(t.ln.conns, t)
	t.ln.mu.Unlock()
	return t.Conn.Close()
}
