package store

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/order"
)

// remindable holds for certificates c of orders o that somebody should be reminded of: not revoked, and without a successor. A
// successor is a certificate for the same address that was issued later, lasts at least as long and is not revoked itself: a renewal
// or a reissue. One for another device that ends earlier is none.
const remindable = `
	c.revoked_at IS NULL AND NOT EXISTS (
		SELECT FROM orders o2 JOIN certificates c2 ON c2.order_number = o2.number
		WHERE o2.certificate_email = o.certificate_email AND o2.state = 'issued' AND c2.revoked_at IS NULL AND c2.not_after >= c.not_after
			AND (c2.issued_at, c2.order_number, c2.sequence) > (c.issued_at, c.order_number, c.sequence))`

// ExpiringCertificates returns certificates with a milestone that is due and has not been reminded of, in the order of their end. Of
// several milestones that have passed the nearest to the end is due: whoever could not be reminded for days gets one letter. A milestone
// before the certificate was issued never becomes due, nor does one where a nearer one has been reminded of. Certificates of which
// nobody wants to hear any more are left out.
func (s *Store) ExpiringCertificates(ctx context.Context, q order.ExpiryQuery) ([]order.Expiring, error) {
	var rows []struct {
		Order       string `db:"order_number"`
		Sequence    int
		Serial      string
		NotAfter    time.Time `db:"not_after"`
		Days        int
		Domain      string
		Application document[order.Application]
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT c.order_number, c.sequence, c.serial, c.not_after, due.days, o.domain, o.application
		FROM certificates c JOIN orders o ON o.number = c.order_number, LATERAL (
			SELECT min(days) AS days FROM unnest($2::integer[]) AS days WHERE c.not_after <= $1::timestamptz + make_interval(days => days)
		) AS due
		WHERE c.not_after > $1::timestamptz AND c.not_after <= $1::timestamptz + make_interval(days => (SELECT max(d) FROM unnest($2::integer[]) AS d))
			AND (c.not_after, c.order_number, c.sequence) > ($3::timestamptz, $4::text, $5::integer)
			AND c.issued_at <= c.not_after - make_interval(days => due.days)
			AND NOT EXISTS (SELECT FROM expiry_reminders r
				WHERE r.order_number = c.order_number AND r.sequence = c.sequence AND r.days <= due.days)
			AND EXISTS (SELECT FROM unnest(ARRAY[o.certificate_email, o.application #>> '{technical_contact,email}']) AS address
				WHERE NOT EXISTS (SELECT FROM expiry_stops x WHERE x.order_number = o.number AND x.recipient = address))
			AND `+remindable+`
		ORDER BY c.not_after, c.order_number, c.sequence LIMIT $6`,
		stored(q.At), pq.Array(q.Milestones), stored(q.After.NotAfter), q.After.Order, q.After.Sequence, pageSize(q.Limit))
	out := make([]order.Expiring, len(rows))
	for i, r := range rows {
		out[i] = order.Expiring{Order: r.Order, Sequence: r.Sequence, Serial: r.Serial, NotAfter: r.NotAfter.UTC(), Days: r.Days,
			Domain: r.Domain, Application: r.Application.V}
	}
	return out, translate(ctx, err)
}

// RemindExpiry puts the reminders of one certificate and milestone into the outbox, one letter for each recipient, and returns the ids of
// those to deliver. Whoever has had this reminder or has stopped them gets none, nor does anybody if the certificate has been
// revoked or replaced meanwhile.
func (s *Store) RemindExpiry(ctx context.Context, e order.Expiring, letters []order.Letter, at time.Time) (posted []string, err error) {
	err = s.change(ctx, func(c *change) error {
		posted = nil
		if _, err := c.lockOrder(ctx, e.Order); err != nil {
			return err
		}
		wanted, err := c.stillWanted(ctx, e, letters)
		if err != nil || len(wanted) == 0 {
			return err
		}
		if _, err := c.post(ctx, e.Order, wanted, at); err != nil {
			return err
		}
		for _, l := range wanted {
			if _, err := c.ExecContext(ctx, `
				INSERT INTO expiry_reminders (order_number, sequence, days, recipient, letter, at) VALUES ($1, $2, $3, $4, $5, $6)`,
				e.Order, e.Sequence, e.Days, l.Recipient, l.ID, stored(at)); err != nil {
				return err
			}
			posted = append(posted, l.ID)
		}
		return c.note(e.Order, system, "expiry-reminded", map[string]any{"sequence": e.Sequence, "days": e.Days, "letters": len(posted)}, at)
	})
	return posted, err
}

// stillWanted returns those of the letters that their recipients are still to get, read under the order's lock.
func (c *change) stillWanted(ctx context.Context, e order.Expiring, letters []order.Letter) ([]order.Letter, error) {
	var still bool
	if err := c.GetContext(ctx, &still, `
		SELECT EXISTS (SELECT FROM certificates c JOIN orders o ON o.number = c.order_number
			WHERE c.order_number = $1 AND c.sequence = $2 AND `+remindable+`)`, e.Order, e.Sequence); err != nil || !still {
		return nil, err
	}
	var served []string
	err := c.SelectContext(ctx, &served, `
		SELECT recipient FROM expiry_stops WHERE order_number = $1
		UNION SELECT recipient FROM expiry_reminders WHERE order_number = $1 AND sequence = $2 AND days = $3`, e.Order, e.Sequence, e.Days)
	return slices.DeleteFunc(slices.Clone(letters), func(l order.Letter) bool { return slices.Contains(served, l.Recipient) }), err
}

// RemindersStopped reports whether the recipient wants no more reminders of the order's certificates.
func (s *Store) RemindersStopped(ctx context.Context, number, recipient string) (stopped bool, err error) {
	err = s.db.GetContext(ctx, &stopped, `SELECT EXISTS (SELECT FROM expiry_stops WHERE order_number = $1 AND recipient = $2)`, number, recipient)
	return stopped, translate(ctx, err)
}

// StopReminders ends the expiry reminders of the order's certificates to one recipient. A repeat changes nothing.
func (s *Store) StopReminders(ctx context.Context, number, recipient string, at time.Time) error {
	return s.change(ctx, func(c *change) error {
		if _, err := c.lockOrder(ctx, number); err != nil {
			return err
		}
		n, err := affected(c.ExecContext(ctx, `
			INSERT INTO expiry_stops (order_number, recipient, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, number, recipient, stored(at)))
		if err != nil || n == 0 {
			return err
		}
		return c.note(number, "applicant", "reminders-stopped", nil, at)
	})
}
