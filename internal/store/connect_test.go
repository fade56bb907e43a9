package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
)

// failing is a connector that cannot connect.
type failing struct{ err error }

func (f failing) Connect(context.Context) (driver.Conn, error) { return nil, f.err }
func (f failing) Driver() driver.Driver                        { return nil }

func TestFailuresToConnect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"a network error that nothing can look into, as lib/pq returns it while a connection begins", errors.New("write tcp: i/o timeout"), fault.Unavailable},
		{"the server starts up", &pq.Error{Code: pqerror.CannotConnectNow}, fault.Unavailable},
		{"the server has no room for more connections", &pq.Error{Code: pqerror.TooManyConnections}, fault.Unavailable},
		{"the server refuses the password: nobody should wait for that to pass", &pq.Error{Code: pqerror.InvalidPassword}, fault.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := sql.OpenDB(dialer{failing{tt.err}})
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			_, err := db.BeginTx(t.Context(), nil)
			require.Equal(t, tt.want, fault.KindOf(translate(t.Context(), err)))
		})
	}
}
