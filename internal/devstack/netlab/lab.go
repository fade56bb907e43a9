// Package netlab is the internet of one machine: a DNS server, a web host and a WHOIS server for the reserved example domains, whose
// content can be changed while they run, through Go or through a small HTTP interface. It is for development and tests. It
// listens on loopback only and refuses to start elsewhere, because whoever reaches it can prove control of any domain in it.
package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Options of Start. Addresses are host:port on loopback; an empty one is a free port of 127.0.0.1.
type Options struct {
	DNS, Web, WHOIS, Admin string

	// Dir keeps what was published over restarts, in netlab.json; empty: nothing is kept.
	Dir string
	// Zones are the domains that exist without being set, each name in them with the web host's address; nil: ReservedZones.
	Zones []string
	// Validating makes DNS answers carry the AD bit when asked for, as a validating resolver's would for signed zones, so that a policy
	// that requires DNSSEC can be run on one machine. Nothing is signed.
	Validating bool
}

// Lab is a running netlab. Its content is changed by the methods of the embedded World.
type Lab struct {
	*World
	DNSAddr, WebAddr, WHOISAddr string // host:port
	AdminURL                    string // base URL for Client

	closers []func() error
	running sync.WaitGroup
	once    sync.Once
	stop    func() bool
	err     error
}

// Start starts the servers; they stop when ctx ends or at Close.
func Start(ctx context.Context, o Options) (*Lab, error) {
	file := ""
	if o.Dir != "" {
		file = filepath.Join(o.Dir, "netlab.json")
	}
	world, err := openWorld(file, o.Zones)
	if err != nil {
		return nil, err
	}
	l := &Lab{World: world}
	for _, start := range []func(context.Context, Options) error{l.startWeb, l.startDNS, l.startWHOIS, l.startAdmin} {
		if err := start(ctx, o); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	l.stop = context.AfterFunc(ctx, func() { _ = l.Close() })
	return l, nil
}

// Close stops the servers and waits for them.
func (l *Lab) Close() error {
	l.once.Do(func() {
		if l.stop != nil {
			l.stop()
		}
		for _, c := range l.closers {
			l.err = errors.Join(l.err, c())
		}
		l.running.Wait()
	})
	return l.err
}

func (l *Lab) startWeb(ctx context.Context, o Options) error {
	ln, err := listen(ctx, o.Web)
	if err != nil {
		return err
	}
	l.WebAddr = ln.Addr().String()
	web, err := netip.ParseAddrPort(l.WebAddr)
	if err != nil {
		return fmt.Errorf("netlab: %w", err)
	}
	l.web = web.Addr().Unmap()
	l.serveHTTP(ln, http.HandlerFunc(l.World.serveFile))
	return nil
}

func (l *Lab) startAdmin(ctx context.Context, o Options) error {
	ln, err := listen(ctx, o.Admin)
	if err != nil {
		return err
	}
	l.AdminURL = "http://" + ln.Addr().String()
	l.serveHTTP(ln, adminHandler(l.World))
	return nil
}

func (l *Lab) startWHOIS(ctx context.Context, o Options) error {
	ln, err := listen(ctx, o.WHOIS)
	if err != nil {
		return err
	}
	l.WHOISAddr = ln.Addr().String()
	l.closers = append(l.closers, ln.Close)
	l.running.Go(func() { l.serveWHOIS(ln) })
	return nil
}

// startDNS binds UDP and TCP to the same port, as resolvers expect; a free port for one may be taken for the other, so it tries again.
func (l *Lab) startDNS(ctx context.Context, o Options) error {
	var err error
	for range 8 {
		var ln net.Listener
		if ln, err = listen(ctx, o.DNS); err != nil {
			return err
		}
		var pc net.PacketConn
		if pc, err = new(net.ListenConfig).ListenPacket(ctx, "udp", ln.Addr().String()); err != nil {
			_ = ln.Close()
			continue
		}
		l.DNSAddr = ln.Addr().String()
		handler := dnsHandler{world: l.World, validating: o.Validating}
		return errors.Join(l.serveDNS(&dns.Server{PacketConn: pc, Handler: handler}), l.serveDNS(&dns.Server{Listener: ln, Handler: handler}))
	}
	return fmt.Errorf("netlab: no port is free for both UDP and TCP: %w", err)
}

func (l *Lab) serveDNS(s *dns.Server) error {
	started, failed := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	l.running.Go(func() { failed <- s.ActivateAndServe() })
	select {
	case <-started: // only then can it be shut down
		l.closers = append(l.closers, s.Shutdown)
		return nil
	case err := <-failed:
		return fmt.Errorf("netlab: DNS: %w", err)
	}
}

func (l *Lab) serveHTTP(ln net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	l.closers = append(l.closers, func() error { return stopHTTP(s) })
	l.running.Go(func() { _ = s.Serve(ln) })
}

// stopHTTP lets answers under way end, for a moment.
func stopHTTP(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	return s.Close()
}

// listen opens a TCP listener on loopback and nowhere else.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("netlab: address must be IP:port: %w", err)
	}
	if !ap.Addr().IsLoopback() {
		return nil, fmt.Errorf("netlab: %s is not a loopback address; the lab is never offered to a network", ap.Addr())
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}
