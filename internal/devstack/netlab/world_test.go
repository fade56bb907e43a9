package netlab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is refused leaves nothing, and what is published can be withdrawn.
func FuzzSet(f *testing.F) {
	f.Add("example.jp", "TXT", "value")
	f.Add("_t.example.jp", "CNAME", "dcv.example.com")
	f.Add("example.jp", "CAA", `0 issuemail "ca.example"`)
	f.Add("example.jp", "A", "$INCLUDE x")
	f.Fuzz(func(t *testing.T, name, rrtype, value string) {
		world, err := openWorld("", nil)
		require.NoError(t, err)
		if world.Set(name, rrtype, value) != nil {
			require.Empty(t, world.Content().Records)
			return
		}
		require.Len(t, world.Content().Records, 1)
		require.NoError(t, world.Remove(name, rrtype))
		require.Empty(t, world.Content().Records)
	})
}
