package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/fault"
)

// childVariable makes the test binary play a child: the value says which.
const childVariable = "SMID_PROC_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childVariable); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

// play is what the children do. "serve ADDR" listens there and obeys SIGTERM; "stubborn ADDR" ignores it; "fail" ends at once;
// "parent ADDR" starts a "serve" in its own group and waits; "supervise ADDR" starts one by this package and waits.
func play(role string) {
	role, addr, _ := strings.Cut(role, " ")
	switch role {
	case "fail":
		fmt.Println("the reason for ending")
		os.Exit(3)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		listen(addr)
	case "serve":
		listen(addr)
	case "parent":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"=serve "+addr)
		fmt.Println(cmd.Run())
	case "supervise":
		_, err := Start(context.Background(), child("serve "+addr))
		fmt.Println("started", err)
		select {}
	}
}

func listen(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}

// child is the spec of a child in the role, ready when it answers at the role's address.
func child(role string) Spec {
	_, addr, _ := strings.Cut(role, " ")
	return Spec{
		Name: role, Path: os.Args[0], Env: []string{childVariable + "=" + role},
		Ready: func(ctx context.Context) error { return dial(ctx, addr) },
	}
}

func dial(ctx context.Context, addr string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := ClaimPort(t.Context(), "127.0.0.1", 0, "")
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func startChild(t *testing.T, spec Spec) *Process {
	t.Helper()
	p, err := Start(t.Context(), spec)
	require.NoError(t, err)
	t.Cleanup(p.Kill9)
	return p
}

// requireSilence waits until nothing answers at addr any more.
func requireSilence(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, Await(ctx, pollEvery, func(ctx context.Context) error {
		if dial(ctx, addr) == nil {
			return errors.New("something still answers")
		}
		return nil
	}))
}

func TestStartReturnsWhenTheChildIsReady(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	p := startChild(t, child("serve "+addr))
	require.NoError(t, dial(t.Context(), addr))
	require.NoError(t, p.Err())
	require.ErrorIs(t, p.Start(t.Context()), ErrRunning)
}

func TestStopEndsAnObedientChildWithSIGTERM(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	p := startChild(t, child("serve "+addr))
	require.NoError(t, p.Stop(t.Context()))
	<-p.Done()
	require.ErrorContains(t, p.Err(), "terminated")
	require.Error(t, dial(t.Context(), addr))
	require.NoError(t, p.Stop(t.Context()), "stopping twice is no error")
}

func TestStopKillsAStubbornChildAfterItsGrace(t *testing.T) {
	t.Parallel()
	spec := child("stubborn " + freeAddr(t))
	spec.Grace = 50 * time.Millisecond
	p := startChild(t, spec)
	require.ErrorIs(t, p.Stop(t.Context()), ErrKilled)
	require.ErrorContains(t, p.Err(), "killed")
}

func TestKilledChildStartsAgainUnderANewPIDAndKeepsItsLog(t *testing.T) {
	t.Parallel()
	spec := child("serve " + freeAddr(t))
	spec.Log = filepath.Join(t.TempDir(), "log", "child.txt")
	p := startChild(t, spec)
	before := p.PID()
	require.NoError(t, os.WriteFile(spec.Log, []byte("from the first life\n"), 0o600))
	p.Kill9()
	require.ErrorContains(t, p.Err(), "killed")
	require.NoError(t, p.Start(t.Context()))
	require.NotEqual(t, before, p.PID())
	text, err := os.ReadFile(spec.Log)
	require.NoError(t, err)
	require.Contains(t, string(text), "from the first life")
}

func TestRestartReplacesARunningChildEvenAStubbornOne(t *testing.T) {
	t.Parallel()
	spec := child("stubborn " + freeAddr(t))
	spec.Grace = 50 * time.Millisecond
	p := startChild(t, spec)
	before := p.PID()
	require.NoError(t, p.Restart(t.Context()))
	require.NotEqual(t, before, p.PID())
	require.NoError(t, p.Err())
}

func TestAChildThatEndsEarlyIsReportedWithItsOwnWords(t *testing.T) {
	t.Parallel()
	spec := child("fail")
	spec.Log = filepath.Join(t.TempDir(), "child.txt")
	require.NoError(t, os.WriteFile(spec.Log, []byte("older run\n"), 0o600))
	spec.Ready = func(context.Context) error { return errors.New("no answer") }
	_, err := Start(t.Context(), spec)
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "the reason for ending")
	require.NotContains(t, err.Error(), "older run")
}

func TestAChildThatIsNeverReadyIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	spec := child("serve " + addr)
	spec.ReadyWithin = 300 * time.Millisecond
	spec.Ready = func(context.Context) error { return errors.New("still warming up") }
	_, err := Start(t.Context(), spec)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "still warming up")
	requireSilence(t, addr)
}

func TestAMissingProgramIsAnError(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Spec{Name: "nothing", Path: filepath.Join(t.TempDir(), "nothing")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestKill9ReachesGrandchildren(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	p := startChild(t, child("parent "+addr))
	p.Kill9()
	requireSilence(t, addr)
}

func TestChildrenDieWithTheirSupervisor(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	supervisor := exec.CommandContext(t.Context(), os.Args[0])
	supervisor.Env = append(os.Environ(), childVariable+"=supervise "+addr)
	out, err := supervisor.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, supervisor.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started <nil>\n", said)
	require.NoError(t, dial(t.Context(), addr))

	require.NoError(t, supervisor.Process.Kill())
	require.Error(t, supervisor.Wait())
	requireSilence(t, addr)
}

func TestClaimPortNamesTheTakenPortAndItsSetting(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port

	_, err = ClaimPort(t.Context(), "127.0.0.1", port, "SMID_DEV_TEMPORAL_PORT")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	shown := fault.Public(err).Text
	for _, text := range []string{shown.JA, shown.EN} {
		require.Contains(t, text, fmt.Sprint(port))
		require.Contains(t, text, "SMID_DEV_TEMPORAL_PORT")
	}
}
