package order

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryCommandIsDescribedByAnExampleThatIsTaken(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	require.Len(t, commands, len(CommandNames))
	for _, name := range CommandNames {
		h := commands[name]
		cmd, err := DecodeCommand(name, []byte(h.example))
		require.NoError(t, err, name)
		require.Equal(t, name, cmd.Name())
		require.Contains(t, name.Description(), h.example)
		require.Contains(t, string(runbook), "| `"+string(name)+"` | "+h.ja+" / "+h.en+" | `"+h.example+"` |")
	}
}
