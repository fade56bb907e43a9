package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsFileWinsWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.env["SMID_POLICY"] = "guide"
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte("# comment\n\nSMID_POLICY=public-trust\nexport TEMPORAL_ADDRESS=\"127.0.0.1:7233\"\nSMID_BRAND_NAME='A = B'\n"), 0o600))
	c.ok("version", "--settings", file)
	require.Equal(t, "public-trust", c.env["SMID_POLICY"])
	require.Equal(t, "127.0.0.1:7233", c.env["TEMPORAL_ADDRESS"])
	require.Equal(t, "A = B", c.env["SMID_BRAND_NAME"])
}

func TestSettingsFileRefuses(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	require.NotEqual(t, exitDone, c.run("", "version", "--settings", filepath.Join(dir, "none")).code, "a file that was asked for must be there")
	for why, line := range map[string]string{
		"no assignment": "SMID_POLICY", "another program's variable": "PATH=/tmp", "a secret that stands alone": "hunter2-secret",
	} {
		file := filepath.Join(dir, "env")
		require.NoError(t, os.WriteFile(file, []byte("SMID_POLICY=guide\n"+line+"\n"), 0o600))
		r := c.run("", "version", "--settings", file)
		require.Equal(t, exitInput, r.code, why)
		require.Contains(t, r.err, "Line 2")
		require.NotContains(t, r.err, line, "a line may hold a secret")
	}
}

// Changes the working directory, so it cannot run beside others.
func TestDevelopmentSettingsFillInWhatIsNotSet(t *testing.T) {
	c := newCounter(t)
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, defaultSettings)), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, defaultSettings), []byte("SMID_DATABASE_URL=postgres://dev\nSMID_POLICY=guide\n"), 0o600))
	t.Chdir(dir)
	c.env["SMID_POLICY"] = "public-trust"
	r := c.run("", "version")
	require.Contains(t, r.err, defaultSettings, "it says so")
	require.Equal(t, "postgres://dev", c.env["SMID_DATABASE_URL"])
	require.Equal(t, "public-trust", c.env["SMID_POLICY"], "the environment wins over the default file")
	require.Empty(t, c.run("", "version").err, "with a database in the environment the file is not looked at")
}

func TestMissingSettingsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := load[struct {
		URL string `env:"SMID_NEVER_SET,required"`
	}]()
	require.ErrorContains(t, err, "SMID_NEVER_SET")
	require.Equal(t, exitInput, exitCode(err))
}
