package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
)

// statements keeps what is said to PostgreSQL most often prepared: parsing and planning is a good part of a short statement's time. Texts
// are constants of this package, so their number is bounded.
type statements struct{ kept sync.Map } // text → *statement

type statement struct {
	prepare  sync.Once
	prepared atomic.Pointer[sqlx.Stmt]
}

// of returns the prepared statement, or nil where it has to be sent as it is. Preparing happens aside: it takes a connection, and a
// change that waited for one while it holds a row could wait for those that wait for the row.
func (s *statements) of(db *sqlx.DB, text string) *sqlx.Stmt {
	kept, _ := s.kept.LoadOrStore(text, &statement{})
	st := kept.(*statement) //nolint:forcetypeassert // nothing else is stored
	if prepared := st.prepared.Load(); prepared != nil {
		return prepared
	}
	st.prepare.Do(func() {
		go func() {
			prepared, err := db.PreparexContext(context.Background(), text)
			if err != nil {
				s.kept.Delete(text) // the next call tries again
				return
			}
			st.prepared.Store(prepared)
		}()
	})
	return nil
}

// ExecContext is sqlx's, by a prepared statement.
func (c *change) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if prepared := c.of(c.db, text); prepared != nil {
		return c.StmtxContext(ctx, prepared).ExecContext(ctx, args...)
	}
	return c.Tx.ExecContext(ctx, text, args...)
}

// GetContext is sqlx's, by a prepared statement.
func (c *change) GetContext(ctx context.Context, dest any, text string, args ...any) error {
	if prepared := c.of(c.db, text); prepared != nil {
		return c.StmtxContext(ctx, prepared).GetContext(ctx, dest, args...) //nolint:sqlclosecheck // ends with the transaction
	}
	return c.Tx.GetContext(ctx, dest, text, args...)
}

// SelectContext is sqlx's, by a prepared statement.
func (c *change) SelectContext(ctx context.Context, dest any, text string, args ...any) error {
	if prepared := c.of(c.db, text); prepared != nil {
		return c.StmtxContext(ctx, prepared).SelectContext(ctx, dest, args...) //nolint:sqlclosecheck // ends with the transaction
	}
	return c.Tx.SelectContext(ctx, dest, text, args...)
}

// exec is a change of one statement, which needs no transaction around it.
func (s *Store) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if prepared := s.statements.of(s.db, text); prepared != nil {
		return prepared.ExecContext(ctx, args...)
	}
	return s.db.ExecContext(ctx, text, args...)
}

// get reads one row outside of a change.
func (s *Store) get(ctx context.Context, dest any, text string, args ...any) error {
	if prepared := s.statements.of(s.db, text); prepared != nil { //nolint:sqlclosecheck // kept for the next question
		return prepared.GetContext(ctx, dest, args...)
	}
	return s.db.GetContext(ctx, dest, text, args...)
}
