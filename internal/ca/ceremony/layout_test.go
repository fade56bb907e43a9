package ceremony_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/ceremony"
)

func TestIssuingCAsAreFoundInTheirOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := ceremony.IssuingCAs(dir)
	require.ErrorContains(t, err, "starter ca init")
	for _, name := range []string{"issuing-10.crt", "issuing.crt", "issuing-2.crt", "issuing-2.key", "issuing-x.crt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	names, err := ceremony.IssuingCAs(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"issuing", "issuing-2", "issuing-10"}, names)

	require.NoError(t, os.Remove(filepath.Join(dir, "issuing.crt")), "an expired one may be taken away")
	names, err = ceremony.IssuingCAs(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"issuing-2", "issuing-10"}, names)
}
