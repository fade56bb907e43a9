package portal_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/devstack/need"
)

// TestBundleIsWhatItsSourcesMake: keys.js, which handles private keys and which nobody can read, is what the sources in browser/ and the
// libraries of the lock file make, to the byte.
func TestBundleIsWhatItsSourcesMake(t *testing.T) {
	t.Parallel()
	root, dir := chromium.Root(t), t.TempDir()
	esbuild := filepath.Join(root, "bin", "esbuild")
	if _, err := os.Stat(esbuild); err != nil {
		need.Skip(t, "esbuild is not built: make tools")
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "bundle"), esbuild, chromium.Modules(t), dir).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range []string{"keys.js", "keys.licenses.txt"} {
		made, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		committed, err := os.ReadFile(filepath.Join("static", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(made, committed), "static/%s is not what its sources make: make bundle", name)
	}
}
