package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsFileWinsWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.env["SMID_POLICY"] = "guide"
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte("# comment\n\nSMID_POLICY=public-trust\nexport TEMPORAL_ADDRESS=\"127.0.0.1:7233\"\nSMID_BRAND_NAME='A = B'\n"), 0o600))
	require.NoError(t, c.settings(file).loadSettings())
	require.Equal(t, "public-trust", c.env["SMID_POLICY"])
	require.Equal(t, "127.0.0.1:7233", c.env["TEMPORAL_ADDRESS"])
	require.Equal(t, "A = B", c.env["SMID_BRAND_NAME"])
}

// settings is a program that was started with --settings.
func (c *counter) settings(file string) *program {
	p := newProgram(strings.NewReader(""), io.Discard, &c.said, func(name string) string { return c.env[name] }, c.clock)
	p.setenv = func(name, value string) error { c.env[name] = value; return nil }
	p.settings = file
	return p
}

func TestSettingsFileRefuses(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	require.ErrorIs(t, c.settings(filepath.Join(dir, "none")).loadSettings(), fs.ErrNotExist, "a file that was asked for must be there")
	for why, line := range map[string]string{
		"no assignment": "SMID_POLICY", "another program's variable": "PATH=/tmp", "a secret that stands alone": "hunter2-secret",
	} {
		file := filepath.Join(dir, "env")
		require.NoError(t, os.WriteFile(file, []byte("SMID_POLICY=guide\n"+line+"\n"), 0o600))
		err := c.settings(file).loadSettings()
		require.Equal(t, exitInput, exitCode(err), why)
		require.ErrorContains(t, err, "Line 2")
		require.NotContains(t, err.Error(), line, "a line may hold a secret")
	}
}

// Changes the working directory, so it cannot run beside others.
func TestDevelopmentSettingsFillInWhatIsNotSet(t *testing.T) {
	c := newCounter(t)
	t.Chdir(t.TempDir())
	require.NoError(t, c.settings("").loadSettings(), "without the file there is nothing to do")
	require.NoError(t, os.MkdirAll(filepath.Dir(defaultSettings), 0o755))
	require.NoError(t, os.WriteFile(defaultSettings, []byte("SMID_DATABASE_URL=postgres://dev\nSMID_POLICY=guide\n"), 0o600))
	c.env["SMID_POLICY"] = "public-trust"
	require.NoError(t, c.settings("").loadSettings())
	require.Contains(t, c.said.String(), defaultSettings, "it says so")
	c.said.Reset()
	delete(c.env, "SMID_DATABASE_URL")
	p := c.settings("")
	p.json = true
	require.NoError(t, p.loadSettings())
	require.Empty(t, c.said.String(), "not to a program that reads the answer")
	require.Equal(t, "postgres://dev", c.env["SMID_DATABASE_URL"])
	require.Equal(t, "public-trust", c.env["SMID_POLICY"], "the environment wins over the default file")
	c.said.Reset()
	require.NoError(t, c.settings("").loadSettings())
	require.Empty(t, c.said.String(), "with a database in the environment the file is not looked at")
}

func TestMissingSettingsAreNamed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.env["SMID_DATABASE_URL"] = "postgres://elsewhere" // keeps the default file out
	_, err := load[struct {
		URL string `env:"SMID_NEVER_SET,required"`
	}](c.settings(""))
	require.ErrorContains(t, err, "SMID_NEVER_SET")
	require.Equal(t, exitInput, exitCode(err))
}
