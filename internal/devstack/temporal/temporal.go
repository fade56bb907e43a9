// Package temporal runs Temporal's development server as a child process, on an SQLite file that survives kill -9. It is for
// one machine: the development stack and the tests that need the real server, to kill it.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"securemailid.example/internal/devstack/proc"
)

// The settings that a person changes when a message names them.
const (
	BinarySetting = "SMID_DEV_TEMPORAL_BINARY"
	PortSetting   = "SMID_DEV_TEMPORAL_PORT"
	UIPortSetting = "SMID_DEV_TEMPORAL_UI_PORT"
)

// DefaultNamespace exists on every server.
const DefaultNamespace = "default"

const loopback = "127.0.0.1"

// Config says how to run the server. The zero value is a server in memory on a free port, without UI and log.
type Config struct {
	Binary string // Temporal CLI; empty: see Find
	DBFile string // SQLite file, made with its directory; empty keeps everything in memory
	Log    string // file that the server's output is appended to; empty discards it

	Port   int  // of the gRPC frontend; 0 takes a free one
	UI     bool // serve the web UI
	UIPort int  // 0 takes a free one

	Namespaces      []string // made beside DefaultNamespace
	EagerActivities bool     // half as much throughput again; off in the server by default
}

// Server is a running development server. Stop, Kill9, Start, Restart, Done and PID are those of its process; after a restart
// it has the same addresses and, with a DBFile, the same workflows.
type Server struct {
	*proc.Process

	hostPort string
	uiURL    string
}

// Start starts a server and returns when its frontend, its namespaces and its UI answer. ctx bounds the start. A taken port
// and a missing CLI are faults that name the setting or the command that helps.
func Start(ctx context.Context, c Config) (*Server, error) {
	binary, err := Find(c.Binary)
	if err != nil {
		return nil, err
	}
	if c.Port, err = proc.ClaimPort(ctx, loopback, c.Port, PortSetting); err != nil {
		return nil, err
	}
	if c.UI {
		if c.UIPort, err = proc.ClaimPort(ctx, loopback, c.UIPort, UIPortSetting); err != nil {
			return nil, err
		}
	}
	if c.DBFile != "" {
		if err := keepPrivate(c.DBFile); err != nil {
			return nil, fmt.Errorf("database of Temporal: %w", err)
		}
	}
	s := &Server{hostPort: address(c.Port)}
	if c.UI {
		s.uiURL = "http://" + address(c.UIPort)
	}
	s.Process, err = proc.Start(ctx, proc.Spec{
		Name: "temporal", Path: "/bin/sh", Args: append([]string{"-c", `umask 077; exec "$0" "$@"`, binary}, c.args()...), Log: c.Log,
		Ready: s.ready(append([]string{DefaultNamespace}, c.Namespaces...)),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// keepPrivate makes the directory of the database, and closes to others what lies there. New files are closed by the umask that the server runs
// with: an open order's history holds personal data.
func keepPrivate(db string) error {
	if err := os.MkdirAll(filepath.Dir(db), 0o700); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(db+suffix, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// HostPort is the frontend's address for client.Options and TEMPORAL_ADDRESS.
func (s *Server) HostPort() string { return s.hostPort }

// UIURL is the address of the web UI, empty without one.
func (s *Server) UIURL() string { return s.uiURL }

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

func (c Config) args() []string {
	args := []string{
		"server", "start-dev", "--ip", loopback, "--port", strconv.Itoa(c.Port), "--log-level", "warn",
		"--disable-config-env", "--disable-config-file", // a person's own profile is for other servers
	}
	if c.UI {
		args = append(args, "--ui-port", strconv.Itoa(c.UIPort))
	} else {
		args = append(args, "--headless")
	}
	if c.DBFile != "" {
		// Three times the throughput of the default and still durable when the process is killed; only a crash of the whole
		// machine can lose the last transactions.
		args = append(args, "--db-filename", c.DBFile, "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL")
	}
	for _, n := range c.Namespaces {
		args = append(args, "--namespace", n)
	}
	if c.EagerActivities {
		args = append(args, "--dynamic-config-value", "system.enableActivityEagerExecution=true")
	}
	return args
}

// ready is the probe of a serving server.
func (s *Server) ready(namespaces []string) proc.Probe {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := frontendServes(ctx, s.hostPort, namespaces); err != nil || s.uiURL == "" {
			return err
		}
		return pageServes(ctx, s.uiURL)
	}
}

func frontendServes(ctx context.Context, hostPort string, namespaces []string) error {
	c, err := client.NewLazyClient(client.Options{HostPort: hostPort, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("frontend: %w", err)
	}
	for _, n := range namespaces {
		if _, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: n}); err != nil {
			return fmt.Errorf("namespace %s: %w", n, err)
		}
	}
	return nil
}

func pageServes(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Close = true // one question, no connection kept
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("UI: %w", err)
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("UI: status %d", res.StatusCode)
	}
	return nil
}
