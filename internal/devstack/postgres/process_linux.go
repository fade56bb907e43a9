package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"securemailid.example/internal/devstack/proc"
)

// capDACReadSearch lets a process pass directories that it may not search (capabilities(7)).
const capDACReadSearch = 2

// goneWithin bounds the wait for killed processes to be gone.
const goneWithin = 10 * time.Second

// runAs is the user that PostgreSQL runs as. The zero value is ourselves.
type runAs struct {
	drop     bool
	uid, gid uint32
	search   bool // keep CAP_DAC_READ_SEARCH, since a parent directory is closed to the user
}

// chooseUser picks the user: ourselves, or when we are root, which PostgreSQL refuses to run as, postgres or nobody. Directories above dir
// and bin that are closed to that user (a checkout below /root) are passed by keeping one capability, where we have it.
func chooseUser(dir, bin string) (runAs, error) {
	if os.Geteuid() != 0 {
		return runAs{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return runAs{}, fmt.Errorf("user %s: %w", name, err)
		}
		r := runAs{drop: true, uid: uint32(uid), gid: uint32(gid)}
		closed := closedParent(filepath.Dir(dir), r.uid)
		if closed == "" {
			closed = closedParent(bin, r.uid)
		}
		if closed == "" {
			return r, nil
		}
		if r.search = haveCapability(capDACReadSearch); !r.search {
			return runAs{}, fmt.Errorf("PostgreSQL does not run as root, and user %s may not pass %s: chmod o+x %s, or choose another directory",
				name, closed, closed)
		}
		return r, nil
	}
	return runAs{}, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: create one, or start as another user")
}

// closedParent returns the outermost directory on the way to dir, dir included, that the user may not search, or "".
func closedParent(dir string, uid uint32) string {
	if parent := filepath.Dir(dir); parent != dir {
		if closed := closedParent(parent, uid); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return dir
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	owned := ok && stat.Uid == uid
	if info.Mode()&0o001 != 0 || owned && info.Mode()&0o100 != 0 {
		return ""
	}
	return dir
}

// haveCapability reports whether this process may hand the capability on.
func haveCapability(number uint) bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		if hex, ok := strings.CutPrefix(line, "CapPrm:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && set>>number&1 == 1
		}
	}
	return false
}

// own gives a file or directory to the user; what lies in it belongs to that user already.
func (r runAs) own(path string) error {
	if !r.drop {
		return nil
	}
	return os.Chown(path, int(r.uid), int(r.gid))
}

// apply makes cmd run as the user and end with us: SIGQUIT is PostgreSQL's immediate shutdown, which also ends its backends.
func (r runAs) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if r.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: r.uid, Gid: r.gid}
	}
	if r.search {
		cmd.SysProcAttr.AmbientCaps = []uintptr{capDACReadSearch}
	}
}

// process is a started postmaster.
type process struct {
	pid    int
	exited chan struct{} // closed when it has ended
	err    error         // how; valid after exited
}

// startProcess starts cmd. The kernel sends Pdeathsig when the starting *thread* ends, so that thread is kept until the child has ended.
func startProcess(cmd *exec.Cmd) (*process, error) {
	started := make(chan error, 1)
	p := &process{exited: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
	}()
	return p, <-started
}

// interrupt asks for a fast shutdown.
func (p *process) interrupt() {
	if p.running() {
		_ = syscall.Kill(p.pid, syscall.SIGINT) // it may have ended just now
	}
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// killAll kills the postmaster and its backends. Each backend leads a process group of its own, so they are found as children; the
// stopped postmaster cannot start another one meanwhile.
func (p *process) killAll() error {
	if !p.running() {
		return nil
	}
	_ = syscall.Kill(p.pid, syscall.SIGSTOP)
	children, err := childrenOf(p.pid)
	for _, pid := range append(children, p.pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // gone already is as good
	}
	<-p.exited
	return errors.Join(err, awaitGone(children))
}

func childrenOf(pid int) ([]int, error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	var out []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			return nil, err
		}
		for f := range strings.FieldsSeq(string(b)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				return nil, err
			}
			out = append(out, child)
		}
	}
	return out, nil
}

// awaitGone waits until none of the killed processes holds shared memory any more: PostgreSQL does not start beside one that does.
func awaitGone(pids []int) error {
	ctx, cancel := context.WithTimeout(context.Background(), goneWithin)
	defer cancel()
	return proc.Await(ctx, time.Millisecond, func(context.Context) error {
		for _, pid := range pids {
			if alive(pid) {
				return fmt.Errorf("process %d is still there", pid)
			}
		}
		return nil
	})
}

// alive reports whether the process exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	end := bytes.LastIndexByte(stat, ')') // the name before it may hold anything
	return err != nil || end < 0 || end+2 >= len(stat) || stat[end+2] != 'Z' && stat[end+2] != 'X'
}

// runsCluster reports whether the process is a postmaster on the data directory.
func runsCluster(pid int, data string) bool {
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(cmdline, []byte("\x00"+data+"\x00"))
}
