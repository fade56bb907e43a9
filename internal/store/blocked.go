package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
)

// Block keeps why no certificate can be issued at present, such as a CAA record or a finding of the lints, so that staff see it in
// every list. The state stays. The same reason again changes nothing, also not the time; another one replaces it. It is over with
// Unblock, and by itself when the order goes on or ends. An order that has ended is a Conflict.
func (s *Store) Block(ctx context.Context, number string, why fault.Text, at time.Time) error {
	return s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, number)
		if err != nil {
			return err
		}
		if o.State.Final() {
			return wrongState(o.State)
		}
		n, err := affected(c.ExecContext(ctx, `UPDATE orders SET blocked = $2, blocked_at = $3 WHERE number = $1 AND blocked IS DISTINCT FROM $2::jsonb`,
			number, asJSON(why), stored(at)))
		if err != nil || n == 0 {
			return err
		}
		return c.note(number, system, "issuance-blocked", map[string]any{"reason": shorten(why.EN)}, at)
	})
}

// Unblock says that nothing keeps the certificate from being issued any more. An order that is not blocked stays as it is.
func (s *Store) Unblock(ctx context.Context, number string) error {
	return s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, number)
		if err != nil || !o.BlockedAt.Valid {
			return err
		}
		if _, err := c.ExecContext(ctx, `UPDATE orders SET blocked = NULL, blocked_at = NULL WHERE number = $1`, number); err != nil {
			return err
		}
		return c.note(number, system, "issuance-unblocked", nil, stored(s.now()))
	})
}
