package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"securemailid.example/internal/order"
)

// Predecessor returns the certificate that an application would renew (G3): the newest of the same address and organisation that ends between
// the two times, is not revoked and has not been renewed; nil without one.
func (s *Store) Predecessor(ctx context.Context, a order.Application, from, to time.Time) (*order.Renewed, error) {
	var r renewedRow
	err := s.db.GetContext(ctx, &r, `
		SELECT c.order_number, c.sequence, c.serial, c.not_after
		FROM orders p JOIN certificates c ON c.order_number = p.number
		WHERE p.organization_key = organization_key($1::jsonb, $2::jsonb) AND p.state = 'issued' AND plain(p.certificate_email) = plain($3)
			AND c.revoked_at IS NULL AND c.not_after BETWEEN $4 AND $5
			AND NOT EXISTS (SELECT FROM orders n WHERE n.renews_order = c.order_number AND n.renews_sequence = c.sequence AND n.state = 'issued')
		ORDER BY c.issued_at DESC, c.sequence DESC LIMIT 1`,
		asJSON(a), asJSON(a.Subject()), a.CertificateEmail, stored(from), stored(to))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // there is none, which is no failure
	case err != nil:
		return nil, translate(ctx, err)
	}
	return r.renewed(), nil
}

// renewedRow is a certificate that was or would be renewed.
type renewedRow struct {
	Order     string `db:"order_number"`
	Sequence  int
	Serial    string
	NotAfter  time.Time      `db:"not_after"`
	RevokedAt sql.NullTime   `db:"revoked_at"`
	RenewedBy sql.NullString `db:"renewed_by"`
}

func (r renewedRow) renewed() *order.Renewed {
	return &order.Renewed{CertificateRef: order.CertificateRef{Order: r.Order, Sequence: r.Sequence}, Serial: r.Serial, NotAfter: r.NotAfter.UTC(),
		Revoked: r.RevokedAt.Valid, RenewedBy: r.RenewedBy.String}
}

// renewed returns the certificate that the order renews as it stands now, or nil.
func renewed(ctx context.Context, q queryer, o orderRow) (*order.Renewed, error) {
	if !o.Renews.Valid {
		return nil, nil //nolint:nilnil // no renewal, or none with a predecessor
	}
	var r renewedRow
	err := q.GetContext(ctx, &r, `
		SELECT c.order_number, c.sequence, c.serial, c.not_after, c.revoked_at, (
			SELECT n.number FROM orders n WHERE n.renews_order = c.order_number AND n.renews_sequence = c.sequence AND n.state = 'issued'
				AND n.number <> o.number ORDER BY n.state_since LIMIT 1) AS renewed_by
		FROM orders o JOIN certificates c ON c.order_number = o.renews_order AND c.sequence = o.renews_sequence WHERE o.number = $1`, o.Number)
	if err != nil {
		return nil, err
	}
	return r.renewed(), nil
}

// refColumns is a certificate for columns that may be NULL.
func refColumns(r *order.Renewed) (sql.NullString, sql.NullInt64) {
	if r == nil {
		return sql.NullString{}, sql.NullInt64{}
	}
	return textOrNull(r.Order), sql.NullInt64{Int64: int64(r.Sequence), Valid: true}
}
