package ceremony_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/fault"
)

// once is a directory with an authority in it, twice one with a rollover as well. Both are copies of one that the test binary made once.
func once(t *testing.T) string {
	t.Helper()
	return copied(t, func(d *directories) string { return d.once })
}

func twice(t *testing.T) string {
	t.Helper()
	return copied(t, func(d *directories) string { return d.twice })
}

type directories struct{ once, twice string }

var held struct {
	sync.Once
	directories
	err error
}

func copied(t *testing.T, which func(*directories) string) string {
	t.Helper()
	held.Do(func() { held.err = hold(t) })
	require.NoError(t, held.err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(which(&held.directories))))
	for _, e := range list(t, dir) { // CopyFS widens modes
		if filepath.Ext(e.Name()) == ".key" {
			require.NoError(t, os.Chmod(filepath.Join(dir, e.Name()), 0o600))
		}
	}
	return dir
}

func hold(t *testing.T) error {
	t.Helper()
	base, err := os.MkdirTemp("", "ceremonies") //nolint:usetesting // t.TempDir would end with the first test
	if err != nil {
		return err
	}
	held.once, held.twice = filepath.Join(base, "once"), filepath.Join(base, "twice")
	ctx := context.WithoutCancel(t.Context())
	_, err = ceremony.Run(ctx, development(t), held.once, morning, rand.Reader, nil)
	if err == nil {
		_, err = ceremony.Run(ctx, development(t), held.twice, morning, rand.Reader, nil)
	}
	if err == nil {
		_, err = ceremony.Rollover(ctx, second(t), held.twice, "", nextYear, rand.Reader, nil)
	}
	return err
}

func removeHeld() error {
	if held.once == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(held.once))
}

func TestNoLineOfTheLogCanBeTamperedWith(t *testing.T) {
	t.Parallel()
	dir := twice(t)
	path := filepath.Join(dir, ceremony.LogFile)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	good, err := ceremony.Verify(dir)
	require.NoError(t, err)
	require.Equal(t, 8, good.Lines)
	require.Equal(t, 2, good.Ceremonies)
	lines := slices.Collect(bytes.Lines(text))

	refused := func(t require.TestingT, changed []byte, why string) {
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err := ceremony.Verify(dir)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "log.broken"}, why)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(text)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		refused(t, changed, "a byte is another")
	})
	for i := range lines {
		if i != len(lines)-1 {
			refused(t, bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil), "a line is taken out")
		}
		refused(t, bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil), "a line is there twice")
	}
	refused(t, bytes.Join(lines[:len(lines)-1], nil), "the end of a ceremony is cut off")
	refused(t, bytes.TrimSuffix(text, []byte("\n")), "the last line is not whole")
	refused(t, nil, "nothing is left")
	refused(t, bytes.Replace(text, []byte(`"n":1,`), []byte(`"n":1, `), 1), "spelt otherwise")

	require.NoError(t, os.WriteFile(path, bytes.Join(lines[:5], nil), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "issuing-2.crt")))
	cut, err := ceremony.Verify(dir)
	require.NoError(t, err, "a whole ceremony cut off with its certificate is seen only ...")
	require.NotEqual(t, good.Head, cut.Head, "... by the last hash kept elsewhere")
}

func TestTheCertificatesBesideTheLogAreThoseInIt(t *testing.T) {
	t.Parallel()
	dir := twice(t)
	require.NoError(t, os.Remove(filepath.Join(dir, ceremony.RootKey)))
	require.NoError(t, os.Remove(filepath.Join(dir, ceremony.IssuingCertificate)))
	_, err := ceremony.Verify(dir)
	require.NoError(t, err, "what was taken away is not missing")

	other, err := os.ReadFile(filepath.Join(dir, ceremony.RootCertificate))
	require.NoError(t, err)
	for _, name := range []string{"issuing-2.crt", "issuing-3.crt"} {
		kept, _ := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), other, 0o600))
		_, err = ceremony.Verify(dir)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "log.other-file"}, name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), kept, 0o600))
	}
}

func TestADirectoryWithoutALogSaysSo(t *testing.T) {
	t.Parallel()
	_, err := ceremony.Verify(t.TempDir())
	require.ErrorIs(t, err, &fault.Error{Kind: fault.NotFound, Code: "log.none"})
	require.False(t, ceremony.Completed(t.TempDir()))
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"n":1,"at":"2026-11-22T09:00:00Z","event":"started","before":"` + strings.Repeat("0", 64) + `","hash":""}` + "\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, ceremony.LogFile), log, 0o600))
		if _, err := ceremony.Verify(dir); err != nil {
			require.Equal(t, fault.Conflict, fault.KindOf(err))
		}
	})
}
