package temporal

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/goleak"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const queue = "patience"

// patience waits for a timer that is still running when the server is killed.
func patience(ctx workflow.Context, wait time.Duration) (string, error) {
	if err := workflow.Sleep(ctx, wait); err != nil {
		return "", err
	}
	return "patience rewarded", nil
}

func startServer(t *testing.T, c Config) *Server {
	t.Helper()
	if _, err := Find(""); err != nil {
		need.Skip(t, err.Error())
	}
	c.Log = filepath.Join(t.TempDir(), "temporal.log")
	s, err := Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(s.Kill9)
	return s
}

func dial(t *testing.T, s *Server, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: s.HostPort(), Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// startPatience starts a worker and a workflow and returns when its timer runs.
func startPatience(t *testing.T, c client.Client, wait time.Duration) client.WorkflowRun {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(patience)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: t.Name(), TaskQueue: queue}, patience, wait)
	require.NoError(t, err)
	require.NoError(t, proc.Await(t.Context(), 10*time.Millisecond, func(ctx context.Context) error {
		events := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return err
			}
			if event.EventType == enums.EVENT_TYPE_TIMER_STARTED {
				return nil
			}
		}
		return fmt.Errorf("no timer yet")
	}))
	return run
}

func TestWorkflowsSurviveKill9OfTheServer(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "made", "temporal.db")
	s := startServer(t, Config{DBFile: db, EagerActivities: true})
	c := dial(t, s, DefaultNamespace)
	const wait = 3 * time.Second
	run := startPatience(t, c, wait)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(db + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "histories hold personal data")
	}

	s.Kill9()
	addr, pid := s.HostPort(), s.PID()
	require.NoError(t, s.Start(t.Context()))
	require.Equal(t, addr, s.HostPort(), "clients find it where it was")
	require.NotEqual(t, pid, s.PID())

	d, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	require.NoError(t, err)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, d.WorkflowExecutionInfo.Status)
	var got string
	require.NoError(t, run.Get(t.Context(), &got))
	require.Equal(t, "patience rewarded", got)
}

func TestUIAndNamespacesAreThereWhenStartReturns(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{UI: true, Namespaces: []string{"perspectives"}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.UIURL(), http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	http.DefaultClient.CloseIdleConnections()

	_, err = dial(t, s, "perspectives").ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "any")
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()), "SIGTERM is enough")
}

func TestATakenPortNamesItselfAndItsSetting(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "temporal")
	require.NoError(t, os.WriteFile(binary, []byte("#!/bin/sh\nexit 1\n"), 0o700))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port

	for _, tc := range []struct {
		name    string
		config  Config
		setting string
	}{
		{"the frontend's port", Config{Binary: binary, Port: port}, PortSetting},
		{"the UI's port", Config{Binary: binary, UI: true, UIPort: port}, UIPortSetting},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Start(t.Context(), tc.config)
			shown := fault.Public(err).Text
			for _, text := range []string{shown.JA, shown.EN} {
				require.Contains(t, text, fmt.Sprint(port))
				require.Contains(t, text, tc.setting)
			}
		})
	}
}

func TestAMissingCLINamesTheRemedy(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Binary: filepath.Join(t.TempDir(), "temporal")})
	shown := fault.Public(err).Text
	for _, text := range []string{shown.JA, shown.EN} {
		require.Contains(t, text, "make tools")
		require.Contains(t, text, BinarySetting)
	}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		config   Config
		has, not []string
	}{
		{
			"a file is opened with the fast and still kill-proof pragmas",
			Config{DBFile: "t.db"},
			[]string{"--db-filename", "t.db", "journal_mode=WAL", "synchronous=NORMAL", "--headless"},
			[]string{"--ui-port", "system.enableActivityEagerExecution=true"},
		},
		{
			"in memory there is nothing to tune",
			Config{UI: true, UIPort: 8233},
			[]string{"--ui-port", "8233"},
			[]string{"--db-filename", "--sqlite-pragma", "--headless"},
		},
		{
			"eager activities are the server's to allow",
			Config{EagerActivities: true},
			[]string{"--dynamic-config-value", "system.enableActivityEagerExecution=true"},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			args := tc.config.args()
			require.Subset(t, args, tc.has)
			for _, not := range tc.not {
				require.NotContains(t, args, not)
			}
		})
	}
}
