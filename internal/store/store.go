// Package store is the record in PostgreSQL: orders, evidence, vouchers, certificates, mails and the audit trail. Every change
// is one transaction that also writes its audit line, and every change may be asked for again: it is then recognised, changes
// nothing and is answered as before.
//
// Locks are always taken in the same order: voucher or order row first, what belongs to the order next, the audit chain last.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"securemailid.example/internal/audit"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config says which database and how to use it. Zero durations and counts mean the defaults.
type Config struct {
	DSN              string
	Application      string           // shown in pg_stat_activity
	MaxConns         int              // default 16
	StatementTimeout time.Duration    // default 15 s: what takes longer is broken, and is retried by its caller
	LockTimeout      time.Duration    // default 10 s: longer than a signature by a slow HSM, which is made under a row lock
	Now              func() time.Time // for what carries no time of its own, and for the expiry of vouchers
}

// Store is the record. It is safe for concurrent use and recovers by itself when PostgreSQL comes back.
type Store struct {
	db  *sqlx.DB
	now func() time.Time

	statements *statements
}

// Open connects to the record with the default settings and the machine's clock. A database that does not answer is a fault
// of kind Unavailable.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s, err := New(Config{DSN: dsn, Now: time.Now})
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Disconnect())
	}
	return s, nil
}

// New returns the record without connecting yet.
func New(c Config) (*Store, error) {
	cfg, err := pq.NewConfig(c.DSN)
	if err != nil {
		return nil, errors.New("the PostgreSQL connection string cannot be read") // its text would hold the password
	}
	if c.Now == nil {
		return nil, errors.New("store: Config.Now is missing")
	}
	if cfg.Runtime == nil {
		cfg.Runtime = map[string]string{}
	}
	cfg.ApplicationName = cmp.Or(c.Application, cfg.ApplicationName, "securemailid")
	cfg.ConnectTimeout = cmp.Or(cfg.ConnectTimeout, 5*time.Second)
	cfg.BinaryParameters = true // one round trip for a statement instead of two
	cfg.Runtime["timezone"] = "UTC"
	cfg.Runtime["statement_timeout"] = milliseconds(cmp.Or(c.StatementTimeout, 15*time.Second))
	cfg.Runtime["lock_timeout"] = milliseconds(cmp.Or(c.LockTimeout, 10*time.Second))
	cfg.Runtime["idle_in_transaction_session_timeout"] = milliseconds(time.Minute) // a stopped process must not keep its locks
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL connection settings: %w", err)
	}
	db := sql.OpenDB(dialer{connector})
	db.SetMaxOpenConns(cmp.Or(c.MaxConns, 16))
	db.SetMaxIdleConns(cmp.Or(c.MaxConns, 16))
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{db: sqlx.NewDb(db, "postgres"), now: c.Now, statements: &statements{}}, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Disconnect ends all connections. (Close is what happens to orders.)
func (s *Store) Disconnect() error { return s.db.Close() }

// Ping reports whether PostgreSQL answers: nil, or a fault of kind Unavailable.
func (s *Store) Ping(ctx context.Context) error { return translate(ctx, s.db.PingContext(ctx)) }

// Migrate brings the schema to this program's version. Several programs may do so at once: one does, the others wait.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 30))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, s.db.DB, files, goose.WithSessionLocker(locker),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", translate(ctx, err))
	}
	return nil
}

// change is a transaction that changes something and says so in the audit trail.
type change struct {
	*sqlx.Tx
	*statements
	db    *sqlx.DB
	lines []audit.Entry
	noted bool // its line is written already, by execNoted
}

// maxAttempts is how often a transaction is tried that PostgreSQL gave up for the sake of another.
const maxAttempts = 4

// change runs do in a transaction, writes its audit lines last, and commits. Without a line nothing is kept: a repeat that
// changes nothing notes nothing. Deadlocks and serialization failures are tried again, so do may run more than once.
func (s *Store) change(ctx context.Context, do func(*change) error) error {
	var err error
	for range maxAttempts {
		err = s.try(ctx, do)
		if pq.As(err, pqerror.TRDeadlockDetected, pqerror.TRSerializationFailure) == nil {
			break
		}
	}
	return translate(ctx, err)
}

func (s *Store) try(ctx context.Context, do func(*change) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	c := &change{Tx: tx, statements: s.statements, db: s.db}
	if err := do(c); err != nil || len(c.lines) == 0 && !c.noted {
		return err
	}
	if err := c.writeLines(ctx); err != nil {
		return err
	}
	return tx.Commit()
}

// read runs do in a transaction that sees one moment of the record.
func (s *Store) read(ctx context.Context, do func(*sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return translate(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to commit
	return translate(ctx, do(tx))
}

// affected returns how many rows a statement changed.
func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
