package need

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// outcome stands in for a test and remembers how it ended.
type outcome struct {
	testing.TB

	skipped, failed bool
}

func (*outcome) Helper()                 {}
func (*outcome) Name() string            { return "TestOfSomething" }
func (o *outcome) Skip(...any)           { o.skipped = true }
func (o *outcome) Fatalf(string, ...any) { o.failed = true }

func TestSkip(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name            string
		ci              bool
		log             string
		skipped, failed bool
	}{
		{name: "a developer without the part sees a skip", skipped: true},
		{name: "CI without the part sees a failure", ci: true, failed: true},
		{name: "a reason that cannot be kept is not lost silently", log: filepath.Join("no", "such", "directory"), failed: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := &outcome{TB: t}
			skip(got, "unbound is missing", tc.ci, tc.log)
			require.Equal(t, tc.skipped, got.skipped)
			require.Equal(t, tc.failed, got.failed)
		})
	}
}

func TestSkipKeepsEveryReason(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "skipped.txt")
	skip(&outcome{TB: t}, "unbound is missing", false, log)
	skip(&outcome{TB: t}, "nsd is missing", false, log)
	lines, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "TestOfSomething: unbound is missing\nTestOfSomething: nsd is missing\n", string(lines))
}

func TestProgramFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	require.FileExists(t, Program(t, "sh", "dash"))
}
