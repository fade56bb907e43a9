package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

// maxPage bounds every list.
const maxPage = 1000

// BatchCounts is a batch with the number of its vouchers in each state.
type BatchCounts struct {
	voucher.Batch
	States map[voucher.State]int
}

// VoucherFilter chooses vouchers for a list. Zero fields choose nothing out.
type VoucherFilter struct {
	Batch string
	State voucher.State
	Order string
	After string // id of the last voucher of the page before
	Limit int    // at most 1000, which is also the default
}

// CreateBatch stores a batch and its vouchers. A repeat with the same batch id changes nothing. A code that exists already is a
// Conflict of code voucher.duplicate, and nothing is stored.
func (s *Store) CreateBatch(ctx context.Context, b voucher.Batch, vs []voucher.Voucher, actor string) error {
	return s.change(ctx, func(c *change) error {
		created, err := c.insertBatch(ctx, b)
		if err != nil || !created {
			return err
		}
		if _, err := c.insertVouchers(ctx, b, vs, ""); err != nil {
			return err
		}
		return c.note("", actor, "vouchers-created", batchDetail(b, len(vs)), b.CreatedAt)
	})
}

// ImportVouchers adds vouchers made elsewhere to a batch, which is created unless it is there, and returns how many were new.
// Codes that exist already are left as they are, so that an import can be repeated.
func (s *Store) ImportVouchers(ctx context.Context, b voucher.Batch, vs []voucher.Voucher, actor string) (imported int, err error) {
	err = s.change(ctx, func(c *change) error {
		if _, err := c.insertBatch(ctx, b); err != nil {
			return err
		}
		imported, err = c.insertVouchers(ctx, b, vs, "ON CONFLICT DO NOTHING")
		if err != nil || imported == 0 {
			return err
		}
		return c.note("", actor, "vouchers-imported", batchDetail(b, imported), s.now())
	})
	return imported, err
}

func batchDetail(b voucher.Batch, count int) map[string]any {
	return map[string]any{"batch": b.ID, "kind": b.Kind, "years": b.ValidityYears, "count": count}
}

func (c *change) insertBatch(ctx context.Context, b voucher.Batch) (created bool, err error) {
	n, err := affected(c.ExecContext(ctx, `
		INSERT INTO voucher_batches (id, reseller, kind, validity_years, expires_at, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
		b.ID, b.Reseller, b.Kind, b.ValidityYears, stored(b.ExpiresAt), stored(b.CreatedAt), b.CreatedBy))
	return n == 1, err
}

func (c *change) insertVouchers(ctx context.Context, b voucher.Batch, vs []voucher.Voucher, onConflict string) (int, error) {
	hashes, ids, masked := make(pq.ByteaArray, len(vs)), make(pq.StringArray, len(vs)), make(pq.StringArray, len(vs))
	for i, v := range vs {
		hashes[i], ids[i], masked[i] = v.Hash, v.ID, v.Masked
	}
	n, err := affected(c.ExecContext(ctx, `
		INSERT INTO vouchers (hash, id, masked, batch, validity_years, expires_at)
		SELECT hash, id, masked, $4, $5, $6 FROM unnest($1::bytea[], $2::text[], $3::text[]) AS v(hash, id, masked) `+onConflict,
		hashes, ids, masked, b.ID, b.ValidityYears, stored(b.ExpiresAt)))
	return int(n), err
}

// voucherRow is a voucher with what its batch says.
type voucherRow struct {
	ID            string
	Batch         string
	Hash          []byte
	Masked        string
	Kind          voucher.Kind
	ValidityYears int            `db:"validity_years"`
	Order         sql.NullString `db:"order_number"`
	CreatedAt     time.Time      `db:"created_at"`
	ExpiresAt     time.Time      `db:"expires_at"`
	UsedAt        sql.NullTime   `db:"used_at"`
	CancelledAt   sql.NullTime   `db:"cancelled_at"`
}

const selectVouchers = `
	SELECT v.id, v.batch, v.hash, v.masked, b.kind, v.validity_years, v.order_number, b.created_at, v.expires_at, v.used_at, v.cancelled_at
	FROM vouchers v JOIN voucher_batches b ON b.id = v.batch `

func (r voucherRow) voucher() voucher.Voucher {
	state := voucher.Unused
	switch {
	case r.CancelledAt.Valid:
		state = voucher.Cancelled
	case r.UsedAt.Valid:
		state = voucher.Used
	}
	return voucher.Voucher{
		ID: r.ID, Batch: r.Batch, Hash: r.Hash, Masked: r.Masked, Kind: r.Kind, ValidityYears: r.ValidityYears, State: state,
		Order: r.Order.String, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: timeOf(r.UsedAt), CancelledAt: timeOf(r.CancelledAt),
	}
}

// Voucher returns the voucher with the hash, or a fault of code voucher.unknown.
func (s *Store) Voucher(ctx context.Context, hash []byte) (voucher.Voucher, error) {
	return s.voucher(ctx, `WHERE v.hash = $1`, hash)
}

// VoucherByID is Voucher by the id, which is no secret.
func (s *Store) VoucherByID(ctx context.Context, id string) (voucher.Voucher, error) {
	return s.voucher(ctx, `WHERE v.id = $1`, id)
}

func (s *Store) voucher(ctx context.Context, where string, arg any) (voucher.Voucher, error) {
	var r voucherRow
	if err := s.db.GetContext(ctx, &r, selectVouchers+where, arg); err != nil {
		return voucher.Voucher{}, translate(ctx, orNotFound(err, unknownVoucher()))
	}
	return r.voucher(), nil
}

// stateIs is the SQL of voucher.Voucher.StateAt for the time $1; a test holds them together.
const stateIs = `CASE WHEN v.cancelled_at IS NOT NULL THEN 'cancelled' WHEN v.used_at IS NOT NULL THEN 'used'
	WHEN v.expires_at <= $1 THEN 'expired' ELSE 'unused' END`

// Vouchers lists vouchers in the order of batch and id.
func (s *Store) Vouchers(ctx context.Context, f VoucherFilter) ([]voucher.Voucher, error) {
	var rows []voucherRow
	err := s.db.SelectContext(ctx, &rows, selectVouchers+`
		WHERE ($2::text = '' OR v.batch = $2) AND ($3::text = '' OR `+stateIs+` = $3) AND ($4::text = '' OR v.order_number = $4)
			AND ($5::text = '' OR (v.batch, v.id) > (SELECT batch, id FROM vouchers WHERE id = $5))
		ORDER BY v.batch, v.id LIMIT $6`,
		stored(s.now()), f.Batch, f.State, f.Order, f.After, pageSize(f.Limit))
	if err != nil {
		return nil, translate(ctx, err)
	}
	out := make([]voucher.Voucher, len(rows))
	for i, r := range rows {
		out[i] = r.voucher()
	}
	return out, nil
}

// Batches lists every batch with its state counts, newest first.
func (s *Store) Batches(ctx context.Context) ([]BatchCounts, error) {
	var rows []struct {
		ID, Reseller                     string
		Kind                             voucher.Kind
		ValidityYears                    int       `db:"validity_years"`
		ExpiresAt                        time.Time `db:"expires_at"`
		CreatedAt                        time.Time `db:"created_at"`
		CreatedBy                        string    `db:"created_by"`
		Unused, Used, Expired, Cancelled int
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT b.id, b.reseller, b.kind, b.validity_years, b.expires_at, b.created_at, b.created_by,
			count(*) FILTER (WHERE state = 'unused') AS unused, count(*) FILTER (WHERE state = 'used') AS used,
			count(*) FILTER (WHERE state = 'expired') AS expired, count(*) FILTER (WHERE state = 'cancelled') AS cancelled
		FROM voucher_batches b LEFT JOIN LATERAL (SELECT `+stateIs+` AS state FROM vouchers v WHERE v.batch = b.id) counted ON true
		GROUP BY b.id ORDER BY b.created_at DESC, b.id`, stored(s.now()))
	if err != nil {
		return nil, translate(ctx, err)
	}
	out := make([]BatchCounts, len(rows))
	for i, r := range rows {
		out[i] = BatchCounts{
			Batch: voucher.Batch{ID: r.ID, Reseller: r.Reseller, Kind: r.Kind, ValidityYears: r.ValidityYears, Count: r.Unused + r.Used + r.Expired + r.Cancelled,
				ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy},
			States: map[voucher.State]int{voucher.Unused: r.Unused, voucher.Used: r.Used, voucher.Expired: r.Expired, voucher.Cancelled: r.Cancelled},
		}
	}
	return out, nil
}

// RevokeVoucher cancels an unused voucher by its id. A cancelled one stays so; a used one is a Conflict of code voucher.used.
func (s *Store) RevokeVoucher(ctx context.Context, id, actor string) error {
	return s.change(ctx, func(c *change) error {
		var v struct {
			Order       sql.NullString `db:"order_number"`
			CancelledAt sql.NullTime   `db:"cancelled_at"`
		}
		err := c.GetContext(ctx, &v, `SELECT order_number, cancelled_at FROM vouchers WHERE id = $1 FOR UPDATE`, id)
		switch {
		case err != nil:
			return orNotFound(err, unknownVoucher())
		case v.Order.Valid:
			return usedVoucher()
		case v.CancelledAt.Valid:
			return nil
		}
		at := stored(s.now())
		if _, err := c.ExecContext(ctx, `UPDATE vouchers SET cancelled_at = $2 WHERE id = $1`, id, at); err != nil {
			return err
		}
		return c.note("", actor, "voucher-revoked", map[string]any{"voucher": id}, at)
	})
}

// releaseVoucher makes the order's voucher unused again.
func (c *change) releaseVoucher(ctx context.Context, number string) error {
	_, err := c.ExecContext(ctx, `
		UPDATE vouchers v SET order_number = NULL, used_at = NULL
		FROM orders o WHERE o.number = $1 AND v.hash = o.voucher_hash AND v.order_number = $1`, number)
	return err
}

// checkVoucher returns the fault for which the order cannot redeem the voucher at the time, or nil.
func checkVoucher(v voucher.Voucher, number string, years int, at time.Time) error {
	switch v.StateAt(at) {
	case voucher.Unused:
	case voucher.Cancelled:
		return fault.New(fault.Conflict, "voucher.cancelled", "このバウチャー/クーポンは取り消されています。販売元にお問い合わせください。",
			"This voucher has been cancelled. Please ask the seller.")
	case voucher.Used:
		if v.Order != number {
			return usedVoucher()
		}
	case voucher.Expired:
		return fault.New(fault.Conflict, "voucher.expired", "このバウチャー/クーポンは有効期限を過ぎています。販売元にお問い合わせください。",
			"This voucher has expired. Please ask the seller.")
	}
	if v.ValidityYears != years {
		return fault.New(fault.Conflict, "voucher.validity",
			fmt.Sprintf("このバウチャー/クーポンは有効期間%d年用です。選択された有効期間には使えません。", v.ValidityYears),
			fmt.Sprintf("This voucher is for a certificate of %d year(s). It cannot be used for the validity that was chosen.", v.ValidityYears))
	}
	return nil
}

func unknownVoucher() *fault.Error {
	return fault.New(fault.NotFound, "voucher.unknown", "このバウチャー/クーポン番号は登録されていません。番号をご確認ください。",
		"This voucher number is not known. Please check it.")
}

func usedVoucher() *fault.Error {
	return fault.New(fault.Conflict, "voucher.used", "このバウチャー/クーポンは既に使われています。", "This voucher has been used already.")
}

func pageSize(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}
