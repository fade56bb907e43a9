package store

import (
	"bytes"
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// DraftCRL gives out the issuer's next CRL number (RFC 5280 5.2.3) together with what the list of that number says. Drafts of an issuer
// queue behind each other, so that a later number never says less than an earlier one. Each number is given once; a list that is
// never published leaves a gap, which the RFC allows. What has expired is left out once a list after its end has shown it (3.3).
// The caller sets At before the call: what is revoked later is on the next list.
func (s *Store) DraftCRL(ctx context.Context, issuer, shard string, at time.Time) (order.CRLDraft, error) {
	d := order.CRLDraft{Issuer: issuer, Shard: shard}
	err := s.change(ctx, func(c *change) error {
		if err := c.GetContext(ctx, &d.Number, `UPDATE issuing_cas SET crl_number = crl_number + 1 WHERE id = $1 RETURNING crl_number`, issuer); err != nil {
			return orNotFound(err, unknownIssuer())
		}
		if _, err := c.ExecContext(ctx, `
			UPDATE certificates SET crl_number = $3 WHERE issuer = $1 AND crl_shard = $2 AND revoked_at IS NOT NULL AND crl_number IS NULL`,
			issuer, shard, d.Number); err != nil {
			return err
		}
		var err error
		if d.Revoked, err = c.listed(ctx, issuer, shard); err != nil {
			return err
		}
		d.At = afterAll(stored(at), d.Revoked)
		return c.note("", system, "crl-drafted", map[string]any{"issuer": issuer, "number": d.Number, "entries": len(d.Revoked)}, at)
	})
	return d, err
}

// listed returns what the next list says, by time of revocation.
func (c *change) listed(ctx context.Context, issuer, shard string) ([]order.RevokedCertificate, error) {
	var rows []statusRow
	err := c.SelectContext(ctx, &rows, `
		SELECT issuer, serial, revoked_at, revocation_reason FROM certificates c
		WHERE issuer = $1 AND crl_shard = $2 AND revoked_at IS NOT NULL AND NOT EXISTS (
			SELECT FROM crls l WHERE l.issuer = c.issuer AND l.shard = c.crl_shard AND l.number >= c.crl_number AND l.this_update > c.not_after)
		ORDER BY revoked_at, serial`, issuer, shard)
	out := make([]order.RevokedCertificate, len(rows))
	for i, r := range rows {
		out[i] = order.RevokedCertificate{Serial: r.Serial, RevokedAt: timeOf(r.RevokedAt), Reason: order.RevocationReason(r.Reason.Int16)}
	}
	return out, err
}

// afterAll is the list's time: no entry may lie after it, whichever machine's clock it is from.
func afterAll(at time.Time, revoked []order.RevokedCertificate) time.Time {
	for _, r := range revoked {
		if r.RevokedAt.After(at) {
			at = r.RevokedAt
		}
	}
	return at
}

// PublishCRL makes the list the current one of its issuer and shard. A repeat changes nothing. A number that is not above every published
// one is a Conflict: an older list never replaces a newer one. A revocation all of whose certificates are on a list counts as published.
func (s *Store) PublishCRL(ctx context.Context, crl order.CRL) error {
	return s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, `UPDATE issuing_cas SET crl_number = greatest(crl_number, $2) WHERE id = $1`, crl.Issuer, crl.Number))
		if err != nil {
			return err
		}
		if n == 0 {
			return unknownIssuer()
		}
		published, err := c.publishedFrom(ctx, crl)
		switch {
		case err != nil:
			return err
		case len(published) > 0 && published[0].Number == crl.Number && bytes.Equal(published[0].DER, crl.DER):
			return nil
		case len(published) > 0:
			return fault.New(fault.Conflict, "crl.older", "より新しい失効リストが既に公開されています。", "A list with this number or a newer one has been published already.")
		}
		if _, err := c.ExecContext(ctx, `INSERT INTO crls (issuer, shard, number, der, this_update, next_update) VALUES ($1, $2, $3, $4, $5, $6)`,
			crl.Issuer, crl.Shard, crl.Number, crl.DER, stored(crl.ThisUpdate), stored(crl.NextUpdate)); err != nil {
			return err
		}
		now := stored(s.now())
		if err := c.markPublished(ctx, crl.Issuer, now); err != nil {
			return err
		}
		return c.note("", system, "crl-published", map[string]any{"issuer": crl.Issuer, "number": crl.Number}, now)
	})
}

// markPublished stops the clock of the revocations that the lists now say completely.
func (c *change) markPublished(ctx context.Context, issuer string, at time.Time) error {
	_, err := c.ExecContext(ctx, `
		UPDATE revocations r SET published_at = $2
		WHERE published_at IS NULL AND decided_at IS NOT NULL AND NOT declined
			AND EXISTS (SELECT FROM revocation_certificates JOIN certificates USING (order_number, sequence)
				WHERE revocation_certificates.revocation = r.id AND issuer = $1)
			AND NOT EXISTS (SELECT FROM revocation_certificates rc JOIN certificates c USING (order_number, sequence)
				WHERE rc.revocation = r.id AND NOT EXISTS (
					SELECT FROM crls l WHERE l.issuer = c.issuer AND l.shard = c.crl_shard AND l.number >= c.crl_number))`, issuer, at)
	return err
}

// crlRow is a published list.
type crlRow struct {
	Issuer     string
	Shard      string
	Number     int64
	DER        []byte
	ThisUpdate time.Time `db:"this_update"`
	NextUpdate time.Time `db:"next_update"`
}

const selectCRLs = `SELECT issuer, shard, number, der, this_update, next_update FROM crls WHERE issuer = $1 AND shard = $2 `

func (c *change) publishedFrom(ctx context.Context, crl order.CRL) (rows []crlRow, err error) {
	err = c.SelectContext(ctx, &rows, selectCRLs+`AND number >= $3 ORDER BY number LIMIT 1`, crl.Issuer, crl.Shard, crl.Number)
	return rows, err
}

// CRL returns the issuer's current list of all its certificates.
func (s *Store) CRL(ctx context.Context, issuer string) (order.CRL, error) {
	var r crlRow
	if err := s.db.GetContext(ctx, &r, selectCRLs+`ORDER BY number DESC LIMIT 1`, issuer, ""); err != nil {
		return order.CRL{}, translate(ctx, orNotFound(err, fault.New(fault.NotFound, "crl.unknown", "失効リストはまだ公開されていません。",
			"No revocation list has been published.")))
	}
	return order.CRL{Issuer: r.Issuer, Shard: r.Shard, Number: r.Number, DER: r.DER, ThisUpdate: r.ThisUpdate.UTC(), NextUpdate: r.NextUpdate.UTC()}, nil
}
