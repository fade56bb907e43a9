package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/order"
)

type standingRow struct {
	Number string
	State  order.State
	Since  time.Time
}

func standings(rows []standingRow) []order.Standing {
	out := make([]order.Standing, len(rows))
	for i, r := range rows {
		out[i] = order.Standing{Number: r.Number, State: r.State, Since: r.Since.UTC()}
	}
	return out
}

// OpenOrders returns orders that have not ended, by their number, those above after.
func (s *Store) OpenOrders(ctx context.Context, after string, limit int) ([]order.Standing, error) {
	var rows []standingRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT number, state, state_since AS since FROM orders
		WHERE state NOT IN ('issued', 'rejected', 'cancelled', 'expired') AND number > $1 ORDER BY number LIMIT $2`, after, pageSize(limit))
	return standings(rows), translate(ctx, err)
}

// Standings returns where orders and submissions stand; what is not known is left out.
func (s *Store) Standings(ctx context.Context, numbers []string) ([]order.Standing, error) {
	var rows []standingRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT s.number, coalesce(o.state, '') AS state, coalesce(o.state_since, s.created_at) AS since
		FROM submissions s LEFT JOIN orders o USING (number) WHERE s.number = ANY ($1) ORDER BY s.number`, pq.Array(numbers))
	return standings(rows), translate(ctx, err)
}

// NoteDrift writes a disagreement of record and engine into the audit trail: a restart each time, the others once for an order, and
// reports whether it did. What is not known to be an order has its line all the same.
func (s *Store) NoteDrift(ctx context.Context, number string, d order.Drift, detail string, at time.Time) (noted bool, err error) {
	err = s.change(ctx, func(c *change) error {
		noted = false
		if d != order.DriftRestarted {
			var known bool
			if err := c.GetContext(ctx, &known, `SELECT EXISTS (SELECT FROM audit WHERE order_number = $1 AND action = $2)`, number, d); err != nil || known {
				return err
			}
		}
		noted = true
		return c.note(number, system, string(d), map[string]any{"run": detail}, at)
	})
	return noted, err
}

// WaitingLetters returns letters that wait for their delivery.
func (s *Store) WaitingLetters(ctx context.Context, q order.PendingQuery) ([]order.PendingLetter, error) {
	var rows []struct {
		ID        string
		Order     string    `db:"order_number"`
		CreatedAt time.Time `db:"created_at"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT id, order_number, created_at FROM letters
		WHERE state = 'pending' AND (created_at, id) > ($1::timestamptz, $2::text) AND created_at < $3::timestamptz
		ORDER BY created_at, id LIMIT $4`, stored(q.From), q.AfterID, stored(q.To), pageSize(q.Limit))
	out := make([]order.PendingLetter, len(rows))
	for i, r := range rows {
		out[i] = order.PendingLetter{ID: r.ID, Order: r.Order, CreatedAt: r.CreatedAt.UTC()}
	}
	return out, translate(ctx, err)
}
