// Package postgres starts a private PostgreSQL for one machine: for development and for tests, never for production. It finds the
// binaries, makes a cluster that persists between runs, and ends with the program that started it.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"securemailid.example/internal/devstack/proc"
)

// superuser is the role that the launcher creates and hands out.
const superuser = "postgres"

// tick is how often the launcher looks at what it waits for.
const tick = 20 * time.Millisecond

// readyWithin bounds the wait for the first connection; crash recovery of a development database takes seconds at most.
const readyWithin = time.Minute

// Options says what to start.
type Options struct {
	Dir      string            // holds the cluster, its password, log and socket; kept between runs; below it nothing else
	Port     int               // TCP port on 127.0.0.1; 0 takes a free one
	Database string            // created if missing; empty: "securemailid"
	BinDir   string            // where initdb and postgres are; empty: FindBinaries looks
	Volatile bool              // no fsync: faster, survives kill -9 of PostgreSQL but not the loss of the machine; for tests
	Settings map[string]string // further settings of postgresql.conf
}

// PortTakenError says that something else listens on the port.
type PortTakenError struct{ Port int }

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("PostgreSQL's port %d on 127.0.0.1 is taken by another program", e.Port)
}

// Server is a running PostgreSQL. Its methods may be called by one goroutine at a time.
type Server struct {
	opts     Options
	cluster  cluster
	port     int
	password string
	proc     *process
}

// Start makes the cluster if there is none, starts the server and returns when it answers. The server dies with this
// process. After Stop or Kill9, Start with the same Dir brings the same data back.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.Database = cmp.Or(o.Database, "securemailid")
	c, err := openCluster(o)
	if err != nil {
		return nil, err
	}
	password, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	port, err := choosePort(ctx, o.Port)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, cluster: c, port: port, password: password}
	if s.proc, err = c.start(port, o); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	if err := s.awaitReady(ctx); err != nil {
		_ = s.Kill9() // it never answered: nothing to lose
		return nil, err
	}
	return s, nil
}

// DSN returns the connection string of the database that Options named.
func (s *Server) DSN() string { return s.DSNFor(s.opts.Database) }

// DSNFor returns the connection string of another database of this server.
func (s *Server) DSNFor(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port returns the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// BinDir returns the directory of the binaries in use, where psql and pgbench may be as well.
func (s *Server) BinDir() string { return s.cluster.bin }

// Stop ends the server by a fast shutdown: sessions are cut off, everything committed is on disk. When ctx ends first the server is killed.
func (s *Server) Stop(ctx context.Context) error {
	s.proc.interrupt()
	select {
	case <-s.proc.exited:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("postgres did not stop: %w", ctx.Err()), s.Kill9())
	}
}

// Kill9 kills the server with every backend at once, as a power cut of PostgreSQL alone would, and returns when all are gone.
func (s *Server) Kill9() error { return s.proc.killAll() }

// Done is closed when the server has ended; Err then says how.
func (s *Server) Done() <-chan struct{} { return s.proc.exited }

// Err is nil while the server runs and when it ended with status 0, otherwise an *exec.ExitError.
func (s *Server) Err() error {
	select {
	case <-s.proc.exited:
		return s.proc.err
	default:
		return nil
	}
}

// Restart starts the server again on the same directory and port after Stop or Kill9, or when it has ended otherwise.
func (s *Server) Restart(ctx context.Context) error {
	o := s.opts
	o.Port = s.port
	again, err := Start(ctx, o)
	if err != nil {
		return err
	}
	*s = *again
	return nil
}

// awaitReady waits until the server answers and the database is there.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	go func() { // one that has ended will never answer
		select {
		case <-s.proc.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := proc.Await(ctx, tick, func(ctx context.Context) error {
		return ensureDatabase(ctx, s.DSNFor("postgres"), s.opts.Database)
	})
	if err != nil {
		return fmt.Errorf("postgres does not answer: %w; its log: %s", err, s.cluster.logTail())
	}
	return nil
}

// choosePort reports a taken port before PostgreSQL does, in words that name it.
func choosePort(ctx context.Context, port int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("%w (%w)", &PortTakenError{Port: port}, err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // a TCP listener has a TCP address
}

// logTail returns the end of the server's log, for an error that must explain itself.
func (c cluster) logTail() string {
	const tail = 1500
	b, err := os.ReadFile(filepath.Join(c.dir, logFile))
	if err != nil {
		return "no log: " + err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-tail):]))
}
