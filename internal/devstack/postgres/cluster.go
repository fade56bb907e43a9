package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/devstack/proc"
)

const (
	dataDir      = "data"
	passwordFile = "password"
	logFile      = "postgres.log"
)

// earlierWithin bounds the wait for an earlier server on the same directory that is still shutting down.
const earlierWithin = 15 * time.Second

// maxSocketDir is the longest directory in which a socket named .s.PGSQL.65535 fits into sun_path (108 bytes with its end).
const maxSocketDir = 107 - len("/.s.PGSQL.65535")

// cluster is a data directory with the programs and the user to run it.
type cluster struct {
	dir      string // absolute
	bin      string
	volatile bool
	user     runAs
}

func openCluster(o Options) (cluster, error) {
	bin, err := FindBinaries(o.BinDir)
	if err != nil {
		return cluster{}, err
	}
	if o.Dir == "" {
		return cluster{}, errors.New("postgres: Options.Dir is empty")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return cluster{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cluster{}, err
	}
	user, err := chooseUser(dir, bin)
	return cluster{dir: dir, bin: bin, volatile: o.Volatile, user: user}, err
}

// prepare leaves a complete cluster that no server uses, and returns the superuser's password.
func (c cluster) prepare(ctx context.Context) (password string, err error) {
	if err := c.user.own(c.dir); err != nil {
		return "", fmt.Errorf("hand %s to the database user: %w", c.dir, err)
	}
	version, err := os.ReadFile(filepath.Join(c.dir, dataDir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return c.initialise(ctx)
	}
	if err != nil {
		return "", err
	}
	if err := c.checkVersion(ctx, strings.TrimSpace(string(version))); err != nil {
		return "", err
	}
	if err := c.awaitEarlier(ctx); err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(c.dir, passwordFile))
	return strings.TrimSpace(string(b)), err
}

// initialise makes the cluster beside its final place and renames it, so that an interrupted initdb leaves nothing half-made.
func (c cluster) initialise(ctx context.Context) (password string, err error) {
	password = rand.Text()
	passwordPath, fresh := filepath.Join(c.dir, passwordFile), filepath.Join(c.dir, dataDir+".new")
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	if err := os.WriteFile(passwordPath, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	if err := c.user.own(passwordPath); err != nil {
		return "", err
	}
	args := []string{"--pgdata=" + fresh, "--username=" + superuser, "--pwfile=" + passwordPath,
		"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"}
	if c.volatile {
		args = append(args, "--no-sync")
	}
	if out, err := c.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return password, os.Rename(fresh, filepath.Join(c.dir, dataDir))
}

func (c cluster) checkVersion(ctx context.Context, cluster string) error {
	out, err := c.command(ctx, "postgres", "--version").Output() // postgres (PostgreSQL) 15.8 (Debian 15.8-0)
	if err != nil {
		return fmt.Errorf("postgres --version: %w", err)
	}
	fields := strings.Fields(string(out))
	if len(fields) < 3 {
		return fmt.Errorf("postgres --version says %q", out)
	}
	if major, _, _ := strings.Cut(fields[2], "."); major != cluster {
		return fmt.Errorf("%s was made by PostgreSQL %s, but %s holds version %s: set %s to a directory of version %s, or remove %s to begin anew",
			c.dir, cluster, c.bin, major, BinEnv, cluster, c.dir)
	}
	return nil
}

// awaitEarlier waits for an earlier server on this directory to end. A lock file whose process is not one of ours is left over
// from a crash; PostgreSQL itself would refuse to start if the number now belongs to any other process.
func (c cluster) awaitEarlier(ctx context.Context) error {
	lock := filepath.Join(c.dir, dataDir, "postmaster.pid")
	ctx, cancel := context.WithTimeout(ctx, earlierWithin)
	defer cancel()
	return proc.Await(ctx, tick, func(context.Context) error {
		b, err := os.ReadFile(lock)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		first, _, _ := strings.Cut(string(b), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err == nil && runsCluster(pid, filepath.Join(c.dir, dataDir)) {
			return fmt.Errorf("another PostgreSQL (process %d) uses %s: stop it first", pid, c.dir)
		}
		return c.removeLock(lock)
	})
}

func (c cluster) removeLock(lock string) error {
	if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// start runs postgres with its output in the log file.
func (c cluster) start(port int, o Options) (*process, error) {
	log, err := os.OpenFile(filepath.Join(c.dir, logFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := c.command(context.Background(), "postgres", c.arguments(port, o)...)
	cmd.Stdout, cmd.Stderr = log, log
	return startProcess(cmd)
}

func (c cluster) arguments(port int, o Options) []string {
	settings := map[string]string{
		"listen_addresses":         "127.0.0.1",
		"port":                     strconv.Itoa(port),
		"unix_socket_directories":  "",
		"max_connections":          "200",
		"shared_buffers":           "256MB",
		"timezone":                 "UTC",
		"log_timezone":             "UTC",
		"log_parameter_max_length": "0", // parameters hold personal data
		"log_error_verbosity":      "terse",
		"log_min_error_statement":  "panic",
		"unix_socket_permissions":  "0700",
	}
	if len(c.dir) <= maxSocketDir {
		settings["unix_socket_directories"] = c.dir
	}
	if c.volatile {
		// synchronous_commit stays on: what is committed has left PostgreSQL's own memory, which kill -9 takes away.
		maps.Copy(settings, map[string]string{"fsync": "off", "full_page_writes": "off"})
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", filepath.Join(c.dir, dataDir)}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// command runs one of PostgreSQL's programs as the database user, with nothing of our environment that could steer it.
func (c cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = "/" // always open, even where the way to c.dir is not
	cmd.Env = []string{"PATH=" + c.bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	c.user.apply(cmd)
	return cmd
}

// ensureDatabase connects and creates the database unless it is there.
func ensureDatabase(ctx context.Context, dsn, name string) error {
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	var exists bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name))
	return err
}
