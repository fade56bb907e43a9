// Package mailbox is the mailbox of the development stack: an SMTP server that keeps whatever it is sent, a page and an API
// to read it, and faults on request, so that tests can see what happens when mail servers misbehave.
package mailbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Options say where the mailbox listens and what it keeps. The zero value listens on free loopback ports and keeps mail in memory.
type Options struct {
	SMTPAddr string           // host:port; empty: a free port of 127.0.0.1
	WebAddr  string           // host:port; empty: a free port of 127.0.0.1
	Dir      string           // each mail is kept there as <id>.eml, and found again after a restart; empty: memory only
	Limit    int              // how many mails are kept in memory, the newest; 0: 5000. Files are never removed
	TLS      *tls.Config      // offers STARTTLS
	Username string           // with Password: mail is taken only after AUTH PLAIN, which needs STARTTLS
	Password string           //
	Clock    func() time.Time // nil: time.Now
}

// Box is a running mailbox.
type Box struct {
	SMTPAddr string // host:port
	WebURL   string // http://host:port, without a slash at the end

	opts   Options
	faults faults
	smtp   *smtp.Server
	web    *http.Server
	ln     *listener
	served sync.WaitGroup
	unhook func() bool // takes stop off the context

	mu      sync.Mutex
	last    int
	mails   []Mail        // oldest first
	changed chan struct{} // closed and replaced when a mail arrives
}

// Start opens the mailbox. It runs until ctx ends or Close is called; after ctx has ended Close must still be called to
// wait for its end.
func Start(ctx context.Context, o Options) (*Box, error) {
	if o.Username != "" && o.TLS == nil {
		return nil, errors.New("mailbox: a password needs TLS")
	}
	o.SMTPAddr, o.WebAddr = cmp.Or(o.SMTPAddr, "127.0.0.1:0"), cmp.Or(o.WebAddr, "127.0.0.1:0")
	o.Limit = cmp.Or(o.Limit, 5000)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	b := &Box{opts: o, changed: make(chan struct{})}
	if err := b.load(); err != nil {
		return nil, err
	}
	if err := b.listen(ctx); err != nil {
		return nil, err
	}
	b.unhook = context.AfterFunc(ctx, b.stop)
	return b, nil
}

// listen opens both doors and starts serving.
func (b *Box) listen(ctx context.Context) error {
	var lc net.ListenConfig
	mail, err := lc.Listen(ctx, "tcp", b.opts.SMTPAddr)
	if err != nil {
		return fmt.Errorf("mailbox: smtp: %w", err)
	}
	web, err := lc.Listen(ctx, "tcp", b.opts.WebAddr)
	if err != nil {
		return errors.Join(fmt.Errorf("mailbox: web: %w", err), mail.Close())
	}
	b.SMTPAddr, b.WebURL = mail.Addr().String(), "http://"+web.Addr().String()
	b.ln = &listener{Listener: mail}
	b.smtp = newSMTP(b)
	handler, err := b.handler()
	if err != nil {
		return errors.Join(err, mail.Close(), web.Close())
	}
	b.web = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	b.served.Go(func() { _ = b.smtp.Serve(b.ln) })
	b.served.Go(func() { _ = b.web.Serve(web) })
	return nil
}

// stop closes every listener and connection.
func (b *Box) stop() {
	b.ln.shut()
	_ = b.web.Close()
}

// Close ends the mailbox and returns when nothing of it runs any more.
func (b *Box) Close() error {
	b.unhook()
	b.stop()
	b.served.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.smtp.Shutdown(ctx); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("mailbox: %w", err)
	}
	return nil
}

// load reads the mails of an earlier run.
func (b *Box) load() error {
	if b.opts.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(b.opts.Dir, 0o700); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(b.opts.Dir, "*.eml"))
	if err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := b.loadFile(name); err != nil {
			return fmt.Errorf("mailbox: %w", err)
		}
	}
	return nil
}

// loadFile takes one stored mail back into memory. A file that is not named by an id is somebody else's.
func (b *Box) loadFile(name string) error {
	var n int
	if _, err := fmt.Sscanf(filepath.Base(name), "%06d.eml", &n); err != nil {
		return nil //nolint:nilerr // not ours
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	b.last = max(b.last, n)
	b.remember(parse(mailID(n), raw))
	return nil
}

// keep stores a received mail and wakes everybody who waits for one. trace is the header lines that it goes under.
func (b *Box) keep(from string, to []string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := mailID(b.last + 1)
	raw := slices.Concat(trace(from, to, b.opts.Clock()), data)
	if b.opts.Dir != "" {
		if err := os.WriteFile(filepath.Join(b.opts.Dir, id+".eml"), raw, 0o600); err != nil {
			return fmt.Errorf("mailbox: %w", err)
		}
	}
	b.last++
	b.remember(parse(id, raw))
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// remember appends m and forgets the oldest beyond the limit.
func (b *Box) remember(m Mail) {
	b.mails = append(b.mails, m)
	if over := len(b.mails) - b.opts.Limit; over > 0 {
		b.mails = slices.Clone(b.mails[over:])
	}
}

// trace is what a mail server writes above a mail that it delivers (RFC 5321 4.4): the envelope and the time.
func trace(from string, to []string, at time.Time) []byte {
	var t bytes.Buffer
	fmt.Fprintf(&t, "Return-Path: <%s>\r\n", from)
	for _, a := range to {
		fmt.Fprintf(&t, "Delivered-To: %s\r\n", a)
	}
	fmt.Fprintf(&t, "Received: by mailbox.localhost; %s\r\n", at.Format(time.RFC1123Z))
	return t.Bytes()
}

// since returns the mails after the given id, oldest first, and a channel that is closed when another arrives.
func (b *Box) since(id string) ([]Mail, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearchFunc(b.mails, id, func(m Mail, id string) int { return cmp.Compare(m.ID, id) })
	if found {
		i++
	}
	return slices.Clone(b.mails[i:]), b.changed
}

// Mails returns what is in memory, oldest first.
func (b *Box) Mails() []Mail {
	mails, _ := b.since("")
	return mails
}

// Mail returns the mail of an id.
func (b *Box) Mail(id string) (Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearchFunc(b.mails, id, func(m Mail, id string) int { return cmp.Compare(m.ID, id) })
	if !found {
		return Mail{}, false
	}
	return b.mails[i], true
}

// Wait returns the first mail, in order of arrival and counting those that are there already, for which want holds. It
// waits for one until ctx ends.
func (b *Box) Wait(ctx context.Context, want func(Mail) bool) (Mail, error) {
	last := ""
	for {
		mails, changed := b.since(last)
		for _, m := range mails {
			if want(m) {
				return m, nil
			}
			last = m.ID
		}
		select {
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("mailbox: no such mail: %w", context.Cause(ctx))
		case <-changed:
		}
	}
}

func mailID(n int) string { return fmt.Sprintf("%06d", n) }
