package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// PostLetter puts a letter that somebody asked for into the outbox, with its links, and returns the id of the letter to deliver.
// For each order and kind there is at most one letter within every. A further wish is answered with the letter before, as long as that
// waits for its delivery: so one whose delivery could not be started is taken up by the next try, and its reader gets one mail.
// Otherwise it is refused as TooMany, code letter.too-often.
func (s *Store) PostLetter(ctx context.Context, l order.Letter, actor string, every time.Duration) (id string, err error) {
	err = s.change(ctx, func(c *change) error {
		if _, err := c.lockOrder(ctx, l.Order); err != nil {
			return err
		}
		var last []struct { // at most one
			ID    string
			State order.LetterState
		}
		if err := c.SelectContext(ctx, &last, `
			SELECT id, state FROM letters WHERE order_number = $1 AND kind = $2 AND created_at > $3
			ORDER BY created_at DESC, position DESC LIMIT 1`, l.Order, l.Kind, stored(l.CreatedAt.Add(-every))); err != nil {
			return err
		}
		if len(last) == 1 && last[0].State != order.LetterPending {
			return fault.New(fault.TooMany, "letter.too-often", "このメールは少し前にお送りしています。しばらくしてからもう一度お試しください。",
				"This mail has been sent a moment ago. Please try again in a while.")
		}
		if len(last) == 1 {
			id = last[0].ID
			return nil
		}
		id = l.ID
		if _, err := c.post(ctx, l.Order, []order.Letter{l}, l.CreatedAt); err != nil {
			return err
		}
		return c.note(l.Order, actor, "letter-asked", map[string]any{"kind": l.Kind}, l.CreatedAt)
	})
	return id, err
}

// onItsWay is how long a letter is taken to be on its way: so long it is not sent again, since its reader would get it twice.
const onItsWay = 10 * time.Minute

// RepostLetters makes the order's undelivered letters pending again and returns the ids of those to deliver; those written within the last ten
// minutes are on their way. A letter that was
// refused for good has lost its secret links: renew puts new ones into it, or reports false for one that cannot be sent again. Such
// letters stay as they are and are counted, as are those refused before facts were kept.
func (s *Store) RepostLetters(ctx context.Context, number, actor string, at time.Time, renew func(order.Letter) (order.Letter, bool)) (ids []string, left int, err error) {
	err = s.change(ctx, func(c *change) error {
		ids, left = nil, 0
		if _, err := c.lockOrder(ctx, number); err != nil {
			return err
		}
		kept, err := letters(ctx, c, number, `state <> 'sent' AND facts IS NOT NULL`)
		if err != nil {
			return err
		}
		if err := c.GetContext(ctx, &left, `SELECT count(*) FROM letters WHERE order_number = $1 AND state = 'failed' AND facts IS NULL`, number); err != nil {
			return err
		}
		for _, k := range kept {
			if k.state == order.LetterPending && k.CreatedAt.After(at.Add(-onItsWay)) {
				continue
			}
			renewed, ok := k.Letter, true
			if k.state == order.LetterFailed {
				renewed, ok = renew(k.Letter)
			}
			if !ok {
				left++
				continue
			}
			again, err := c.repost(ctx, renewed)
			if err != nil {
				return err
			}
			if again {
				ids = append(ids, k.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return c.note(number, actor, "mail-resent", map[string]any{"letters": len(ids)}, at)
	})
	return ids, left, err
}

// repost reports false for a letter that has been delivered meanwhile.
func (c *change) repost(ctx context.Context, l order.Letter) (again bool, err error) {
	n, err := affected(c.ExecContext(ctx, `UPDATE letters SET state = 'pending', facts = $2 WHERE id = $1 AND state <> 'sent'`, l.ID, asJSON(l.Facts)))
	if err != nil || n == 0 {
		return false, err
	}
	return true, c.insertLinks(ctx, l.Order, l.Links)
}
