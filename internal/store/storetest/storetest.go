// Package storetest gives each test a migrated record of its own on a real PostgreSQL, so that all tests can run in parallel.
//
// Each test binary starts one private server (internal/devstack/postgres) at its first test, unless SMID_TEST_DATABASE_URL names
// one on which databases may be created. The schema is migrated once into a template that every test's database is copied from:
// a copy takes a fraction of the time of a migration.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/postgres"
	"securemailid.example/internal/store"
)

// URLEnv names the environment variable with the connection string of a server to use instead of a private one.
const URLEnv = "SMID_TEST_DATABASE_URL"

// dirPrefix begins the name of a private server's directory; the process id of its test binary ends it.
const dirPrefix = "smid-storetest-"

// shared is the one server of this test binary: a test binary has no other place to keep it.
var shared server

type server struct {
	once     sync.Once
	err      error
	private  *postgres.Server // nil with URLEnv
	dir      string
	admin    string // connection string of the maintenance database
	template string
}

// Main runs the tests of a package and stops the server afterwards. Without it the server still ends with the test binary, and the
// next one removes its directory. Call it from TestMain: os.Exit(storetest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	if err := shared.stop(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "storetest:", err)
		return 1
	}
	return code
}

// Open returns a migrated and empty record, which goes when the test or its binary ends. Its clock is the machine's.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return OpenAt(t, time.Now)
}

// OpenAt is Open with a clock.
func OpenAt(t testing.TB, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.New(store.Config{DSN: DSN(t), Now: now, Application: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Disconnect(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// DSN returns the connection string of a migrated and empty database, which goes when the test or its binary ends. A machine without
// PostgreSQL skips the test, saying what is missing.
func DSN(t testing.TB) string {
	t.Helper()
	// A test's context ends before its clean-up; the server outlives both.
	ctx := context.WithoutCancel(t.Context())
	shared.once.Do(func() { shared.err = shared.start(ctx) })
	if errors.Is(shared.err, postgres.ErrNoBinaries) {
		need.Skip(t, shared.err.Error())
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(ctx, shared.admin, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy`, name, shared.template)); err != nil {
		t.Fatal(err)
	}
	if shared.private == nil { // a private server goes with all that is in it, and dropping takes as long as creating
		t.Cleanup(func() {
			if err := execute(ctx, shared.admin, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
				t.Error(err)
			}
		})
	}
	return database(shared.admin, name)
}

func (s *server) start(ctx context.Context) error {
	s.admin = os.Getenv(URLEnv)
	if s.admin == "" {
		if err := s.startPrivate(ctx); err != nil {
			return err
		}
	}
	s.template = "template_" + strings.ToLower(rand.Text())
	if err := execute(ctx, s.admin, `CREATE DATABASE `+s.template); err != nil {
		return err
	}
	st, err := store.New(store.Config{DSN: database(s.admin, s.template), Now: time.Now})
	if err != nil {
		return err
	}
	return errors.Join(st.Migrate(ctx), st.Disconnect()) // a template may have no sessions
}

func (s *server) startPrivate(ctx context.Context) error {
	sweep()
	s.dir = filepath.Join(os.TempDir(), dirPrefix+strconv.Itoa(os.Getpid()))
	var err error
	s.private, err = postgres.Start(ctx, postgres.Options{Dir: s.dir, Volatile: true, Settings: map[string]string{
		"max_connections": "400", "shared_buffers": "128MB", "autovacuum": "off",
	}})
	if err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	s.admin = s.private.DSNFor("postgres")
	return nil
}

func (s *server) stop() error {
	switch {
	case s.private != nil:
		return errors.Join(s.private.Kill9(), os.RemoveAll(s.dir)) // nothing in it is worth a clean shutdown
	case s.template != "":
		return execute(context.Background(), s.admin, `DROP DATABASE `+s.template)
	default:
		return nil
	}
}

// sweep removes what test binaries have left that ended without Main.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*")) // the pattern is well-formed: no error
	for _, dir := range dirs {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), dirPrefix))
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // another test binary may be doing the same
		}
	}
}

func execute(ctx context.Context, dsn, statement string) error {
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// database returns dsn with another database.
func database(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	return u.String()
}
