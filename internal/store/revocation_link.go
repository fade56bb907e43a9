package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// useRevocationLink uses up the link that confirms the request.
func (c *change) useRevocationLink(ctx context.Context, r order.RevocationRequest, t targets) error {
	var l linkRow
	err := c.GetContext(ctx, &l, `SELECT `+linkColumns+` FROM links WHERE id = $1 AND purpose = 'revocation' FOR UPDATE`, r.Link)
	switch {
	case err != nil:
		return orNotFound(err, unknownLink())
	case !t.holds(l.Order, int(l.Sequence.Int32)):
		return unknownLink()
	case l.UsedAt.Valid:
		return fault.New(fault.Conflict, "link.used", "このリンクは既に使われています。", "This link has been used already.")
	case l.EndedAt.Valid:
		return replacedLink()
	case !stored(r.At).Before(l.ExpiresAt):
		return fault.New(fault.Conflict, "link.expired", "このリンクは有効期限を過ぎています。", "This link has expired.")
	}
	_, err = c.ExecContext(ctx, `UPDATE links SET used_at = $2, approved = true WHERE id = $1`, l.ID, stored(r.At))
	return err
}

// OfferRevocation puts letters into the outbox whose links revoke the certificate, ends the links before them, and returns the ids of the
// letters to deliver. A certificate that is revoked or has expired is a Conflict; a further wish within every is TooMany, unless the
// letters before still wait for their delivery: then those are returned.
func (s *Store) OfferRevocation(ctx context.Context, number string, sequence int, actor string, at time.Time, letters []order.Letter, every time.Duration) (ids []string, err error) {
	err = s.change(ctx, func(c *change) error {
		ids = nil
		if _, err := c.lockOrder(ctx, number); err != nil {
			return err
		}
		cert, err := c.issued(ctx, number, sequence)
		switch {
		case err != nil:
			return orNotFound(err, unknownCertificate())
		case !cert.RevokedAt.IsZero():
			return fault.New(fault.Conflict, "certificate.revoked", "この証明書はすでに失効しています。", "This certificate has been revoked already.")
		case !at.Before(cert.NotAfter):
			return expiredCertificate()
		}
		if ids, err = c.offeredBefore(ctx, number, at.Add(-every)); err != nil || len(ids) > 0 {
			return err
		}
		if _, err := c.ExecContext(ctx, `
			UPDATE links SET ended_at = $3 WHERE order_number = $1 AND sequence = $2 AND purpose = 'revocation' AND used_at IS NULL AND ended_at IS NULL`,
			number, sequence, stored(at)); err != nil {
			return err
		}
		if _, err := c.post(ctx, number, letters, at); err != nil {
			return err
		}
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
		return c.note(number, actor, "revocation-offered", map[string]any{"sequence": sequence}, at)
	})
	return ids, err
}

// offeredBefore returns the letters since the moment that still wait for delivery; with none waiting, those that went out are a fault.
func (c *change) offeredBefore(ctx context.Context, number string, since time.Time) (waiting []string, err error) {
	var sent int
	if err := c.GetContext(ctx, &sent, `SELECT count(*) FROM letters WHERE order_number = $1 AND kind = $2 AND created_at > $3`,
		number, order.LetterRevocationLink, stored(since)); err != nil || sent == 0 {
		return nil, err
	}
	err = c.SelectContext(ctx, &waiting, `SELECT id FROM letters WHERE order_number = $1 AND kind = $2 AND created_at > $3 AND state = 'pending' ORDER BY position`,
		number, order.LetterRevocationLink, stored(since))
	if err == nil && len(waiting) == 0 {
		err = fault.New(fault.TooMany, "letter.too-often", "このメールは少し前にお送りしています。しばらくしてからもう一度お試しください。",
			"This mail has been sent a moment ago. Please try again in a while.")
	}
	return waiting, err
}
