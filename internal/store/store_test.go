package store_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/store"
	"securemailid.example/internal/store/storetest"
)

var (
	_ activities.Records = (*store.Store)(nil)
	_ portal.Records     = (*store.Store)(nil)
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestMigrationCanBeRepeated(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Ping(t.Context()))
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		storetest.DSN(b)
	}
}
