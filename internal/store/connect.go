package store

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/lib/pq"
)

// dialer is lib/pq's connector, whose failures to connect are told apart from PostgreSQL's refusals.
type dialer struct{ driver.Connector }

// Connect opens a connection. lib/pq hides some network errors in a type of its own that nothing can look into, so what is not the
// server's own word is marked here, where it can only be that the server was not reached.
func (d dialer) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := d.Connector.Connect(ctx)
	if _, refused := errors.AsType[*pq.Error](err); err == nil || refused {
		return conn, err
	}
	return nil, unreachedError{err}
}

// unreachedError is why no connection came about.
type unreachedError struct{ cause error }

func (e unreachedError) Error() string { return "connect: " + e.cause.Error() }

// Unwrap returns what the network said, where it can be looked into.
func (e unreachedError) Unwrap() error { return e.cause }
