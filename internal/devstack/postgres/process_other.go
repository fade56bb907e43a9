//go:build !linux

package postgres

import (
	"errors"
	"os/exec"
)

// errNotHere says where the launcher works; elsewhere a running server is named by its connection string instead.
var errNotHere = errors.New("the private PostgreSQL is started on Linux only: start one yourself and set its connection string")

type runAs struct{}

func chooseUser(_, _ string) (runAs, error) { return runAs{}, errNotHere }
func (runAs) own(string) error              { return errNotHere }
func (runAs) apply(*exec.Cmd)               {}

type process struct {
	exited chan struct{}
	err    error
}

func startProcess(*exec.Cmd) (*process, error) { return nil, errNotHere }
func (*process) interrupt()                    {}
func (*process) killAll() error                { return errNotHere }
func runsCluster(int, string) bool             { return false }
