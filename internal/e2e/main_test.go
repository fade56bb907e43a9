package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack"
)

// programs is what every stack of this test binary shares: the built programs and one CA, because its keys take seconds.
var programs struct {
	dir, worker, starter, ca string
}

// The stacks of the tests that kill nothing. On the quiet one a challenge is looked at once an hour: what is found there was asked
// for, and orders that wait cost nothing.
var (
	common = sharedStack{name: "common"}
	quiet  = sharedStack{name: "quiet", poll: time.Hour}
)

// sharedStack is started by the first test that needs it.
type sharedStack struct {
	name string
	poll time.Duration

	once  sync.Once
	stack *devstack.Stack
	err   error
}

func (s *sharedStack) enter(t *testing.T) *world {
	t.Helper()
	s.once.Do(func() {
		s.stack, s.err = startStack(devstack.Options{Dir: filepath.Join(programs.dir, s.name), Poll: s.poll})
	})
	require.NoError(t, s.err)
	return enter(t, s.stack)
}

func (s *sharedStack) stop() error {
	if s.stack == nil {
		return nil
	}
	return s.stack.Stop(context.Background())
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	waitTogether()
	dir, err := os.MkdirTemp("", "smid-e2e-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // PostgreSQL's own user must be able to pass
	}
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	code := m.Run()
	if err := errors.Join(common.stop(), quiet.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: stop the stacks:", err)
		return 1
	}
	return code
}

// waitTogether lets more tests run side by side than there are processors, unless -parallel says otherwise: they wait for timeouts
// and retries most of the time.
func waitTogether() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "12") // the flag is there and takes a number
	}
}

// build makes worker and starter under the race detector, like the tests themselves.
func build(dir string) error {
	programs.dir, programs.ca = dir, filepath.Join(dir, "ca")
	programs.worker, programs.starter = filepath.Join(dir, "worker"), filepath.Join(dir, "starter")
	ctx := context.Background()
	for out, pkg := range map[string]string{programs.worker: "securemailid.example/worker", programs.starter: "securemailid.example/starter"} {
		if text, err := exec.CommandContext(ctx, "go", "build", "-race", "-o", out, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", pkg, err, text)
		}
	}
	return devstack.MakeCA(ctx, programs.ca, nil)
}

// private returns a world on a stack of its own, which the test may kill; o may leave out what every stack shares.
func private(t *testing.T, o devstack.Options) *world {
	t.Helper()
	o.Dir = filepath.Join(programs.dir, t.Name())
	stack, err := startStack(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			showLog(t, stack, "worker.log")
		}
		require.NoError(t, stack.Stop(context.Background()))
	})
	return enter(t, stack)
}

func startStack(o devstack.Options) (*devstack.Stack, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o.Worker, o.Starter, o.CADir, o.Volatile = programs.worker, programs.starter, programs.ca, true
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	return devstack.Start(ctx, o)
}

// showLog prints the end of a program's log into a failed test.
func showLog(t *testing.T, s *devstack.Stack, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Options.Dir, name))
	if err == nil {
		t.Logf("end of %s:\n%s", name, b[max(0, len(b)-6000):])
	}
}
