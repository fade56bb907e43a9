// Package hsmtest gives tests hardware security modules in software: tokens of SoftHSM2, one store per test binary.
package hsmtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/devstack/need"
)

// PIN is that of every token, and it may show up nowhere.
const PIN = "secret-pin-7319"

// tokens is how many tokens a test binary has. SoftHSM2 reads its store when it is initialised, so all are made before.
const tokens = 32

var (
	store = sync.OnceValues(makeStore)
	given atomic.Int32
)

// Token returns the URI of an empty token that no other test has. Without SoftHSM2 the test is skipped.
func Token(t testing.TB) hsm.URI {
	t.Helper()
	module := findModule()
	if module == "" {
		need.Skip(t, "SoftHSM2 is not installed: apt-get install -y --no-install-recommends softhsm2")
	}
	need.Program(t, "softhsm2-util", "softhsm2")
	dir, err := store()
	require.NoError(t, err)
	n := given.Add(1)
	require.LessOrEqual(t, n, int32(tokens), "raise hsmtest's number of tokens")
	return hsm.URI{Token: label(n), ModulePath: module, PINSource: filepath.Join(dir, "pin")}
}

// Store is the directory below which SoftHSM2 keeps a directory for each token.
func Store(t testing.TB) string {
	t.Helper()
	dir, err := store()
	require.NoError(t, err)
	return filepath.Join(dir, "tokens")
}

// Remove deletes the store; a TestMain calls it when its tests have ended.
func Remove() error {
	if given.Load() == 0 {
		return nil
	}
	dir, err := store()
	return errors.Join(err, os.RemoveAll(dir))
}

func label(n int32) string { return fmt.Sprintf("Test token %02d", n) }

func findModule() string {
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// makeStore makes all tokens, and points this process's SoftHSM2 at them.
func makeStore() (string, error) {
	dir, err := os.MkdirTemp("", "hsmtest")
	if err != nil {
		return "", err
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	settings := "directories.tokendir = " + filepath.Join(dir, "tokens") + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	err = errors.Join(
		os.Mkdir(filepath.Join(dir, "tokens"), 0o700),
		os.WriteFile(conf, []byte(settings), 0o600),
		os.WriteFile(filepath.Join(dir, "pin"), []byte(PIN+"\n"), 0o600),
		os.Setenv("SOFTHSM2_CONF", conf),
	)
	if err != nil {
		return "", err
	}
	for n := range int32(tokens) {
		//nolint:gosec // what it is given is all ours
		out, err := exec.CommandContext(context.Background(), "softhsm2-util", "--init-token", "--free", "--label", label(n+1), "--pin", PIN, "--so-pin", PIN).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("softhsm2-util: %w: %s", err, out)
		}
	}
	return dir, nil
}
