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

// LastExpiry returns when the issuer's last certificate ends: until then it has to sign revocation lists. It is the zero time while there is none.
func (s *Store) LastExpiry(ctx context.Context, issuer string) (time.Time, error) {
	var last *time.Time
	if err := s.db.GetContext(ctx, &last, `SELECT max(not_after) FROM certificates WHERE issuer = $1`, issuer); err != nil || last == nil {
		return time.Time{}, translate(ctx, err)
	}
	return last.UTC(), nil
}
