package store

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"fmt"

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

// issuerStandingRow is an issuing CA with its current list.
type issuerStandingRow struct {
	issuerRow
	Number     sql.NullInt64
	List       []byte
	ThisUpdate sql.NullTime `db:"this_update"`
	NextUpdate sql.NullTime `db:"next_update"`
	LastExpiry sql.NullTime `db:"last_expiry"`
}

// IssuerStandings returns every issuing CA with its current list, the newest first.
func (s *Store) IssuerStandings(ctx context.Context) ([]order.IssuerStanding, error) {
	var rows []issuerStandingRow
	if err := s.db.SelectContext(ctx, &rows, `
		SELECT i.id, i.der, i.chain, l.number, l.der AS list, l.this_update, l.next_update,
			(SELECT max(not_after) FROM reservations WHERE issuer = i.id) AS last_expiry
		FROM issuing_cas i
		LEFT JOIN LATERAL (SELECT number, der, this_update, next_update FROM crls WHERE issuer = i.id AND shard = '' ORDER BY number DESC LIMIT 1) l ON true
		ORDER BY i.created_at DESC, i.id`); err != nil {
		return nil, translate(ctx, err)
	}
	out := make([]order.IssuerStanding, len(rows))
	for i, r := range rows {
		cert, err := x509.ParseCertificate(r.DER)
		if err != nil {
			return nil, fmt.Errorf("stored CA certificate %s: %w", r.ID, err)
		}
		out[i] = order.IssuerStanding{
			CA: r.issuingCA(), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, LastExpiry: timeOf(r.LastExpiry),
			List: order.CRL{Issuer: r.ID, Number: r.Number.Int64, DER: r.List, ThisUpdate: timeOf(r.ThisUpdate), NextUpdate: timeOf(r.NextUpdate)},
		}
	}
	return out, nil
}
