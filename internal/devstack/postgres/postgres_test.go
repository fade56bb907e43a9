package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/postgres"
)

// childEnv makes the test binary act as a program that starts a server and then waits to be killed.
const childEnv = "SMID_POSTGRES_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		startAndHang(dir)
	}
	goleak.VerifyTestMain(m)
}

func startAndHang(dir string) {
	s, err := postgres.Start(context.Background(), postgres.Options{Dir: dir, Volatile: true})
	if err != nil {
		_, _ = os.Stdout.WriteString("failed " + err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("ready " + strconv.Itoa(s.Port()) + "\n")
	select {}
}

// tempDir is a directory that the database user can reach, as t.TempDir's own parent is not.
func tempDir(t *testing.T) string {
	t.Helper()
	if _, err := postgres.FindBinaries(""); err != nil {
		need.Skip(t, err.Error())
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, o postgres.Options) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Kill9()) })
	return s
}

func exec1(t *testing.T, s *postgres.Server, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", s.DSN())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

func count(t *testing.T, s *postgres.Server) (n int) {
	t.Helper()
	db, err := sql.Open("postgres", s.DSN())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM kept`).Scan(&n))
	return n
}

func TestDataSurvivesStopAndKill(t *testing.T) {
	t.Parallel()
	s := start(t, postgres.Options{Dir: tempDir(t)})
	exec1(t, s, `CREATE TABLE kept AS SELECT 1 AS one`)

	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Restart(t.Context()))
	require.Equal(t, 1, count(t, s), "after a clean stop")

	exec1(t, s, `INSERT INTO kept VALUES (2)`)
	require.NoError(t, s.Kill9())
	require.NoError(t, s.Restart(t.Context()))
	require.Equal(t, 2, count(t, s), "after kill -9")
	require.NoError(t, s.Kill9())
	require.NoError(t, s.Kill9(), "killing twice is no error")
}

func TestKillEndsBusyBackends(t *testing.T) {
	t.Parallel()
	s := start(t, postgres.Options{Dir: tempDir(t), Volatile: true})
	db, err := sql.Open("postgres", s.DSN())
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	busy := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), `SELECT count(*) FROM generate_series(1, 100000000000)`)
		busy <- err
	}()
	require.Eventually(t, func() bool {
		var n int
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM generate%'`).Scan(&n)
		return err == nil && n == 1
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, s.Kill9())
	require.Error(t, <-busy)
	require.NoError(t, s.Restart(t.Context()), "no backend of the first life holds its memory")
}

func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line := make([]byte, 200)
	n, err := out.Read(line)
	require.NoError(t, err)
	port, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "ready ")
	require.True(t, ok, "%s", line[:n])
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())

	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, 5*time.Millisecond, "the server outlives its parent")
	s := start(t, postgres.Options{Dir: dir, Volatile: true})
	require.NotZero(t, s.Port(), "the directory can be used again at once")
}

func TestTakenPortIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = postgres.Start(t.Context(), postgres.Options{Dir: tempDir(t), Port: port, Volatile: true})
	taken, ok := errors.AsType[*postgres.PortTakenError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, port, taken.Port)
}

func TestBadSettingIsExplained(t *testing.T) {
	t.Parallel()
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: tempDir(t), Volatile: true, Settings: map[string]string{"no_such": "1"}})
	require.ErrorContains(t, err, "no_such", "the server's own words reach the reader")
}

func TestForeignClusterVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600))
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: dir})
	require.ErrorContains(t, err, "was made by PostgreSQL 9")
	require.ErrorContains(t, err, "remove "+dir)
}

func TestInterruptedInitialisationBeginsAnew(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700))
	start(t, postgres.Options{Dir: dir, Volatile: true})
}

// A checkout below /root is closed to the user that the server runs as.
func TestClosedParentDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root starts the server as another user")
	}
	dir := tempDir(t)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o700))
	start(t, postgres.Options{Dir: filepath.Join(dir, "deep"), Volatile: true})
}

func TestNamedBinariesAreNotReplaced(t *testing.T) {
	t.Parallel()
	_, err := postgres.FindBinaries(t.TempDir())
	require.ErrorIs(t, err, postgres.ErrNoBinaries)
	require.ErrorContains(t, err, postgres.BinEnv)
}
