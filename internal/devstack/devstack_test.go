package devstack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
)

func TestPortSettings(t *testing.T) {
	t.Parallel()
	p, err := PortsFrom(func(string) string { return "" })
	require.NoError(t, err)
	require.Equal(t, 15432, p.Postgres)
	p, err = PortsFrom(func(name string) string { return map[string]string{"SMID_DEV_PORTAL_PORT": "0"}[name] })
	require.NoError(t, err)
	require.Zero(t, p.Portal)
	for _, wrong := range []string{"x", "-1", "65536", "80 ", "1e3"} {
		_, err := PortsFrom(func(name string) string {
			return map[string]string{"SMID_DEV_SMTP_PORT": wrong, "SMID_DEV_DNS_PORT": wrong}[name]
		})
		f := fault.Public(err)
		require.Equal(t, fault.Invalid, f.Kind)
		require.Equal(t, []string{"SMID_DEV_DNS_PORT", "SMID_DEV_SMTP_PORT"}, []string{f.Fields[0].Path, f.Fields[1].Path}, "%q", wrong)
	}
}

// Every port that is not free is named with its setting, before a server starts.
func TestTakenPortsAreNamedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	tcp, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = tcp.Close() }()
	udp, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = udp.Close() }()
	taken, takenUDP := tcp.Addr().(*net.TCPAddr).Port, udp.LocalAddr().(*net.UDPAddr).Port

	dir := filepath.Join(t.TempDir(), "stack")
	_, err = Start(t.Context(), Options{Dir: dir, Ports: Ports{Postgres: taken, DNS: takenUDP, Portal: taken}})
	f := fault.Public(err)
	require.Equal(t, "devstack.port-taken", f.Code)
	require.Len(t, f.Fields, 3)
	for i, want := range []struct {
		setting string
		port    int
	}{{"SMID_DEV_POSTGRES_PORT", taken}, {"SMID_DEV_DNS_PORT", takenUDP}, {"SMID_DEV_PORTAL_PORT", taken}} {
		require.Equal(t, want.setting, f.Fields[i].Path)
		require.Contains(t, f.Fields[i].Rule.JA, fmt.Sprint(want.port))
		require.Contains(t, f.Fields[i].Rule.EN, fmt.Sprint(want.port))
	}
	require.NoDirExists(t, dir)
}

// news collects what is said.
type news struct {
	mu    sync.Mutex
	lines []string
}

func (n *news) say(t fault.Text) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, t.JA, t.EN)
}

func (n *news) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

func TestAKilledPartIsStartedAgainUntilTheStackStops(t *testing.T) {
	t.Parallel()
	child, err := proc.Start(t.Context(), proc.Spec{Name: "sleeper", Path: "/bin/sleep", Args: []string{"600"}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var said news
	ended := make(chan error, 1)
	go func() { ended <- part{name: "sleeper", log: "sleeper.log", child: child}.supervise(ctx, said.say) }()
	for range 2 {
		pid := child.PID()
		child.Kill9()
		require.Eventually(t, func() bool { return child.PID() != pid }, 10*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool { return strings.Count(said.String(), "runs again") == 2 }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, child.Stop(t.Context()))
	require.Contains(t, said.String(), "sleeper has ended (signal: killed)")
	require.Contains(t, said.String(), "再び動作しています")
}

func TestAPartThatKeepsEndingIsGivenUp(t *testing.T) {
	t.Parallel()
	child, err := proc.Start(t.Context(), proc.Spec{Name: "broken", Path: "/bin/sh", Args: []string{"-c", "exit 7"}})
	require.NoError(t, err)
	var said news
	err = part{name: "broken", log: "broken.log", child: child}.supervise(t.Context(), said.say)
	f := fault.Public(err)
	require.Equal(t, "devstack.part-ended", f.Code)
	for _, text := range []string{f.Text.JA, f.Text.EN} {
		require.Contains(t, text, "exit status 7")
		require.Contains(t, text, "broken.log")
	}
	require.Equal(t, maxRestarts, strings.Count(said.String(), "starting it again"))
}

func TestVoucherKeyIsWholeAndDrawnOnce(t *testing.T) {
	t.Parallel()
	s := &Stack{Options: Options{Dir: t.TempDir()}}
	require.NoError(t, s.makeVoucherKey())
	first, err := os.ReadFile(s.path("voucher.key"))
	require.NoError(t, err)
	require.Len(t, first, 65)
	require.NoError(t, s.makeVoucherKey())
	again, err := os.ReadFile(s.path("voucher.key"))
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(s.path("voucher.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(s.Options.Dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
}
