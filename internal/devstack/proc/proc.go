// Package proc supervises the child processes of the development stack and of the tests that kill them: Temporal, the
// worker, the portal. A child lives in a process group of its own, so that Ctrl-C reaches only the supervisor, which then
// stops its children in the order that it wants; and it dies with the supervisor, however that one ends.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	defaultReadyWithin = 60 * time.Second // a cold Temporal on two busy cores needs a few seconds
	defaultGrace       = 10 * time.Second // above a worker's own stop timeout
	pollEvery          = 20 * time.Millisecond
)

var (
	// ErrRunning is returned by Start of a process that runs already.
	ErrRunning = errors.New("process is running already")
	// ErrKilled is returned by Stop when the process outlived its grace and had to be killed.
	ErrKilled = errors.New("process did not stop in time and was killed")
)

// Probe reports whether a process does its work: nil when it does, otherwise what is still missing. It must respect ctx.
type Probe func(ctx context.Context) error

// Spec describes a child process.
type Spec struct {
	Name string   // in messages
	Path string   // of the executable
	Args []string // without the executable
	Env  []string // added to this process's environment, as KEY=value; later entries win
	Dir  string   // working directory; empty for this process's
	Log  string   // file that standard output and error are appended to, kept over restarts; empty discards both

	Ready       Probe         // nil: ready as soon as it runs
	ReadyWithin time.Duration // 0: 60 s
	Grace       time.Duration // between SIGTERM and SIGKILL; 0: 10 s
}

// Process is a child that can be stopped, killed and started again. Its methods may be called from any goroutine.
type Process struct {
	spec Spec

	mu  sync.Mutex // held while the child is being replaced
	run *run       // the latest run that became ready; never nil once Start has returned the process
}

// run is one life of the child.
type run struct {
	cmd      *exec.Cmd
	logStart int64         // where this run's part of the log begins
	done     chan struct{} // closed when the child has been reaped
	err      error         // how it ended; valid after done
}

// Start starts the child and waits until it is ready. ctx bounds that wait, not the life of the child. When it is not ready
// in time, or ends before it is, nothing is left running and the error holds the end of its log.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if spec.ReadyWithin == 0 {
		spec.ReadyWithin = defaultReadyWithin
	}
	if spec.Grace == 0 {
		spec.Grace = defaultGrace
	}
	p := &Process{spec: spec}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Start starts a stopped or dead child again, as the package's Start does. A running one is ErrRunning.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && p.run.alive() {
		return ErrRunning
	}
	r, err := launch(p.spec)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	if err := p.awaitReady(ctx, r); err != nil {
		r.signal(syscall.SIGKILL)
		<-r.done
		return fmt.Errorf("%s is not ready: %w%s", p.spec.Name, err, tail(p.spec.Log, r.logStart))
	}
	p.run = r
	return nil
}

// Stop asks the child to end (SIGTERM), and after its grace or the end of ctx kills what is left of its group, which is
// ErrKilled. A child that is gone already is nil. When Stop returns the child has been reaped.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.run.alive() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.spec.Grace)
	defer cancel()
	p.run.signal(syscall.SIGTERM)
	var err error
	select {
	case <-p.run.done:
	case <-ctx.Done():
		err = fmt.Errorf("%s: %w", p.spec.Name, ErrKilled)
	}
	p.run.signal(syscall.SIGKILL) // also reaches descendants that outlived the child
	<-p.run.done
	return err
}

// Kill9 kills the child's whole group without warning (SIGKILL) and returns when the child has been reaped.
func (p *Process) Kill9() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.run.alive() {
		return
	}
	p.run.signal(syscall.SIGKILL)
	<-p.run.done
}

// Restart stops the child if it runs and starts it again; a child that had to be killed is no obstacle.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(ctx); err != nil && !errors.Is(err, ErrKilled) {
		return err
	}
	return p.Start(ctx)
}

// PID is the process id of the latest run.
func (p *Process) PID() int { return p.latest().cmd.Process.Pid }

// Done is closed when the latest run has ended; Err then says how.
func (p *Process) Done() <-chan struct{} { return p.latest().done }

// Err is nil while the latest run lives and when it ended with status 0, otherwise an *exec.ExitError.
func (p *Process) Err() error {
	r := p.latest()
	if r.alive() {
		return nil
	}
	return r.err
}

func (p *Process) latest() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

func (p *Process) awaitReady(ctx context.Context, r *run) error {
	if p.spec.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.spec.ReadyWithin)
	defer cancel()
	return Await(ctx, pollEvery, func(ctx context.Context) error {
		if !r.alive() {
			return final{fmt.Errorf("it ended early (%s)", r.cmd.ProcessState)}
		}
		return p.spec.Ready(ctx)
	})
}

// launch starts the child. The goroutine that starts it keeps its thread until the child is reaped: the kernel sends
// Pdeathsig when the starting *thread* ends (prctl(2)), and the runtime may end idle threads.
func launch(spec Spec) (*run, error) {
	r := &run{cmd: command(spec), done: make(chan struct{})}
	log, err := openLog(spec.Log)
	if err != nil {
		return nil, err
	}
	if log != nil {
		defer log.Close() //nolint:errcheck // the child has its own descriptor; nothing is written through this one
		r.cmd.Stdout, r.cmd.Stderr = log, log
		if r.logStart, err = log.Seek(0, 2); err != nil {
			return nil, err
		}
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := r.cmd.Start()
		started <- err
		if err == nil {
			r.err = r.cmd.Wait()
			close(r.done)
		}
	}()
	return r, <-started
}

func command(spec Spec) *exec.Cmd {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // a context would end the child's life early
	cmd.Dir = spec.Dir
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (r *run) alive() bool {
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// signal reaches the child's whole group. A group that is gone is what was wanted, so the error says nothing.
func (r *run) signal(s syscall.Signal) { _ = syscall.Kill(-r.cmd.Process.Pid, s) }
