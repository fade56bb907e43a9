package store

import (
	"bytes"
	"context"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// issuerRow is an issuing CA.
type issuerRow struct {
	ID    string
	DER   []byte
	Chain pq.ByteaArray
}

const selectIssuers = `SELECT id, der, chain FROM issuing_cas `

func (r issuerRow) issuingCA() order.IssuingCA {
	return order.IssuingCA{ID: r.ID, DER: r.DER, Chain: r.Chain}
}

// SaveIssuingCA keeps an issuing CA with its chain. A repeat changes nothing; another certificate under the same id is a Conflict.
func (s *Store) SaveIssuingCA(ctx context.Context, ca order.IssuingCA) error {
	return s.change(ctx, func(c *change) error {
		at := stored(s.now())
		n, err := affected(c.ExecContext(ctx, `
			INSERT INTO issuing_cas (id, der, chain, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			ca.ID, ca.DER, pq.ByteaArray(ca.Chain), at))
		if err != nil {
			return err
		}
		if n == 1 {
			return c.note("", system, "issuing-ca-saved", map[string]any{"issuer": ca.ID}, at)
		}
		var der []byte
		if err := c.GetContext(ctx, &der, `SELECT der FROM issuing_cas WHERE id = $1`, ca.ID); err != nil {
			return err
		}
		if !bytes.Equal(der, ca.DER) {
			return fault.New(fault.Conflict, "issuer.other", "同じIDで別の認証局証明書が登録されています。", "Another CA certificate is kept under this id.")
		}
		return nil
	})
}

// IssuingCA returns the issuing CA of the id.
func (s *Store) IssuingCA(ctx context.Context, id string) (order.IssuingCA, error) {
	var r issuerRow
	if err := s.db.GetContext(ctx, &r, selectIssuers+`WHERE id = $1`, id); err != nil {
		return order.IssuingCA{}, translate(ctx, orNotFound(err, unknownIssuer()))
	}
	return r.issuingCA(), nil
}

// IssuingCAs returns every issuing CA, the newest first.
func (s *Store) IssuingCAs(ctx context.Context) ([]order.IssuingCA, error) {
	var rows []issuerRow
	if err := s.db.SelectContext(ctx, &rows, selectIssuers+`ORDER BY created_at DESC, id`); err != nil {
		return nil, translate(ctx, err)
	}
	out := make([]order.IssuingCA, len(rows))
	for i, r := range rows {
		out[i] = r.issuingCA()
	}
	return out, nil
}

// NextCRLNumber gives out the issuer's next CRL number (RFC 5280 5.2.3): each is given once, and one that is never published
// leaves a gap, which the RFC allows.
func (s *Store) NextCRLNumber(ctx context.Context, issuer string) (int64, error) {
	var n int64
	err := s.db.GetContext(ctx, &n, `UPDATE issuing_cas SET crl_number = crl_number + 1 WHERE id = $1 RETURNING crl_number`, issuer)
	return n, translate(ctx, orNotFound(err, unknownIssuer()))
}

// PublishCRL makes the list the issuer's current one. A repeat changes nothing. A number that is not above every published
// one is a Conflict: an older list never replaces a newer one.
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
		if _, err := c.ExecContext(ctx, `INSERT INTO crls (issuer, number, der, this_update, next_update) VALUES ($1, $2, $3, $4, $5)`,
			crl.Issuer, crl.Number, crl.DER, stored(crl.ThisUpdate), stored(crl.NextUpdate)); err != nil {
			return err
		}
		return c.note("", system, "crl-published", map[string]any{"issuer": crl.Issuer, "number": crl.Number}, s.now())
	})
}

// crlRow is a published list.
type crlRow struct {
	Issuer     string
	Number     int64
	DER        []byte
	ThisUpdate time.Time `db:"this_update"`
	NextUpdate time.Time `db:"next_update"`
}

const selectCRLs = `SELECT issuer, number, der, this_update, next_update FROM crls WHERE issuer = $1 `

func (c *change) publishedFrom(ctx context.Context, crl order.CRL) (rows []crlRow, err error) {
	err = c.SelectContext(ctx, &rows, selectCRLs+`AND number >= $2 ORDER BY number LIMIT 1`, crl.Issuer, crl.Number)
	return rows, err
}

// CRL returns the issuer's current list.
func (s *Store) CRL(ctx context.Context, issuer string) (order.CRL, error) {
	var r crlRow
	if err := s.db.GetContext(ctx, &r, selectCRLs+`ORDER BY number DESC LIMIT 1`, issuer); err != nil {
		return order.CRL{}, translate(ctx, orNotFound(err, fault.New(fault.NotFound, "crl.unknown", "失効リストはまだ公開されていません。",
			"No revocation list has been published.")))
	}
	return order.CRL{Issuer: r.Issuer, Number: r.Number, DER: r.DER, ThisUpdate: r.ThisUpdate.UTC(), NextUpdate: r.NextUpdate.UTC()}, nil
}

// RevokedCertificates returns the issuer's revoked certificates by time of revocation. Expired ones stay in it: nothing is lost
// by a list that is complete (RFC 5280 3.3 asks for one list beyond expiry).
func (s *Store) RevokedCertificates(ctx context.Context, issuer string) ([]order.RevokedCertificate, error) {
	var rows []struct {
		Serial    string
		RevokedAt time.Time `db:"revoked_at"`
		Reason    int       `db:"revocation_reason"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT serial, revoked_at, revocation_reason FROM certificates WHERE issuer = $1 AND revoked_at IS NOT NULL ORDER BY revoked_at, serial`, issuer)
	out := make([]order.RevokedCertificate, len(rows))
	for i, r := range rows {
		out[i] = order.RevokedCertificate{Serial: r.Serial, RevokedAt: r.RevokedAt.UTC(), Reason: r.Reason}
	}
	return out, translate(ctx, err)
}
