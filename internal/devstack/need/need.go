// Package need says what a test does when a part of the world that it needs is missing: on a developer's machine it is
// skipped and the reason is kept for the end of `make test`; in CI, where nothing may be missing, it fails.
package need

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const (
	// CIVariable set to "true" turns every skip into a failure. CI services set it of themselves.
	CIVariable = "CI"
	// LogVariable names a file that receives one line per skipped test; go test shows no reasons of its own without -v.
	LogVariable = "SMID_SKIP_LOG"
)

// Skip ends the test: skipped with the reason, or failed when CI is "true". The reason names what is missing and how to get it.
func Skip(t testing.TB, reason string) {
	t.Helper()
	skip(t, reason, os.Getenv(CIVariable) == "true", os.Getenv(LogVariable))
}

// Program returns the path of an executable found in PATH; without it the test is skipped and told which Debian package has it.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Skip(t, fmt.Sprintf("%s is not installed: apt-get install -y --no-install-recommends %s", name, debianPackage))
	}
	return path
}

func skip(t testing.TB, reason string, ci bool, log string) {
	t.Helper()
	if ci {
		t.Fatalf("CI may not skip: %s", reason)
		return
	}
	if log != "" {
		if err := appendLine(log, t.Name()+": "+reason); err != nil {
			t.Fatalf("keep the reason of a skip: %v", err)
			return
		}
	}
	t.Skip(reason)
}

// appendLine writes in one call, so that the lines of test binaries running side by side do not mix.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
