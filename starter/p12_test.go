package main

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/devstack/need"
)

// joining is a directory with a key and what was downloaded for it, and a starter that has no record.
type joining struct {
	t     *testing.T
	dir   string
	typed []string // at the terminal
}

func newJoining(t *testing.T) *joining {
	t.Helper()
	j := &joining{t: t, dir: t.TempDir()}
	key, _ := catest.Key(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	authority := catest.New(t, catest.At(noon))
	tbs, err := authority.Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	leaf, err := authority.Sign(t.Context(), tbs)
	require.NoError(t, err)
	p7b, err := ca.PKCS7(leaf, authority.Describe())
	require.NoError(t, err)
	j.put("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	j.put("1234567890.p7b", p7b)
	j.put("pass", []byte("correct horse 7319\n"))
	return j
}

func (j *joining) path(name string) string { return filepath.Join(j.dir, name) }

func (j *joining) put(name string, data []byte) {
	j.t.Helper()
	require.NoError(j.t, os.WriteFile(j.path(name), data, 0o600))
}

func (j *joining) run(args ...string) ran {
	var out, errs bytes.Buffer
	p := newProgram(strings.NewReader(""), &out, &errs, func(string) string { return "" }, func() time.Time { return noon })
	if j.typed != nil {
		p.ask = func(string) (string, error) {
			next := j.typed[0]
			j.typed = j.typed[1:]
			return next, nil
		}
	}
	code := p.run(j.t.Context(), append([]string{"p12", "--lang", "en"}, args...))
	return ran{code, out.String(), errs.String()}
}

func (j *joining) openssl(args ...string) string {
	j.t.Helper()
	need.Program(j.t, "openssl", "openssl")
	cmd := exec.CommandContext(j.t.Context(), "openssl", args...)
	cmd.Dir = j.dir
	out, err := cmd.CombinedOutput()
	require.NoError(j.t, err, "openssl %v: %s", args, out)
	return string(out)
}

func TestP12JoinsKeyAndDownload(t *testing.T) {
	t.Parallel()
	j := newJoining(t)
	r := j.run("--key", j.path("key.pem"), "--certificates", j.path("1234567890.p7b"), "--passphrase-file", j.path("pass"))
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, j.path("1234567890.p12")+"\n", r.out)
	info, err := os.Stat(j.path("1234567890.p12"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text := j.openssl("pkcs12", "-in", "1234567890.p12", "-passin", "file:pass", "-noenc")
	require.Equal(t, 3, strings.Count(text, "BEGIN CERTIFICATE"))
	require.Equal(t, 1, strings.Count(text, "BEGIN PRIVATE KEY"))

	r = j.run("--key", j.path("key.pem"), "--certificates", j.path("1234567890.p7b"), "--passphrase-file", j.path("pass"))
	require.Equal(t, exitRefused, r.code, "nothing is overwritten")
	require.Contains(t, r.err, "file.exists")

	r = j.run("--key", j.path("key.pem"), "--certificates", j.path("1234567890.p7b"), "--passphrase-file", j.path("pass"),
		"--legacy", "--out", j.path("old.p12"))
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, j.openssl("pkcs12", "-in", "old.p12", "-passin", "file:pass", "-info", "-noout"), "TripleDES")
}

func TestP12AsksAtTheTerminal(t *testing.T) {
	t.Parallel()
	j := newJoining(t)
	j.openssl("pkcs8", "-topk8", "-in", "key.pem", "-out", "locked.pem", "-passout", "pass:of the key")
	args := []string{"--key", j.path("locked.pem"), "--certificates", j.path("1234567890.p7b"), "--out", j.path("id.p12")}

	for _, row := range []struct {
		why   string
		typed []string
		code  int
		says  string
	}{
		{"a wrong passphrase of the key", []string{"of another key"}, exitInput, "p12.key-passphrase"},
		{"a slip of the finger", []string{"of the key", "correct horse", "correct hores"}, exitInput, "differ"},
		{"a short one", []string{"of the key", "horse", "horse"}, exitInput, "8 characters"},
		{"all as it should be", []string{"of the key", "correct horse", "correct horse"}, exitDone, ""},
	} {
		j.typed = row.typed
		r := j.run(args...)
		require.Equal(t, row.code, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.Empty(t, j.typed, "%s: everything was asked for", row.why)
		require.NotContains(t, r.err+r.out, "horse")
	}
	j.openssl("pkcs12", "-in", "id.p12", "-passin", "pass:correct horse", "-noout")
}

func TestP12Refuses(t *testing.T) {
	t.Parallel()
	j := newJoining(t)
	other, err := newKey()
	require.NoError(t, err)
	j.put("other.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)}))
	j.put("open", []byte("correct horse 7319"))
	require.NoError(t, os.Chmod(j.path("open"), 0o644))
	j.put("empty", nil)
	junk := make([]byte, 100)
	_, _ = rand.Read(junk)
	j.put("junk.p7b", junk)
	for _, row := range []struct {
		why  string
		args []string
		says string
	}{
		{"no download", []string{"--key", "key.pem"}, "--certificates"},
		{"a download that is not there", []string{"--certificates", "none.p7b"}, "file.unreadable"},
		{"a download that is none", []string{"--certificates", "junk.p7b"}, "p12.certificates"},
		{"a key that is not there", []string{"--key", "none.pem", "--certificates", "1234567890.p7b"}, "file.unreadable"},
		{"another key", []string{"--key", "other.pem", "--certificates", "1234567890.p7b", "--passphrase-file", "pass"}, "p12.other-key"},
		{"no terminal to ask at", []string{"--key", "key.pem", "--certificates", "1234567890.p7b"}, "no-terminal"},
		{"a passphrase that all can read", []string{"--key", "key.pem", "--certificates", "1234567890.p7b", "--passphrase-file", "open"}, "0600"},
		{"an empty passphrase", []string{"--key", "key.pem", "--certificates", "1234567890.p7b", "--passphrase-file", "empty"}, "empty"},
		{"a passphrase on the command line", []string{"--passphrase", "correct horse 7319"}, "unknown flag"},
		{"standard input without a name", []string{"--certificates", "-"}, "--out"},
	} {
		args := make([]string, len(row.args))
		for i, a := range row.args {
			if i%2 == 1 && a != "-" {
				a = j.path(a)
			}
			args[i] = a
		}
		r := j.run(args...)
		require.Equal(t, exitInput, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.NoFileExists(t, j.path("1234567890.p12"), row.why)
	}
}
