package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

func storeFilter(s voucher.State) store.VoucherFilter { return store.VoucherFilter{State: s} }

func batch(n int) voucher.Batch {
	return voucher.Batch{ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.VoucherCode, ValidityYears: 2, Count: n,
		ExpiresAt: noon.AddDate(1, 0, 0), CreatedAt: noon, CreatedBy: staff}
}

func TestCreateBatch(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	b, vs := batch(3), newVouchers(3)
	require.NoError(t, r.CreateBatch(r.ctx(), b, vs, staff))
	r.unchanged(func() { require.NoError(t, r.CreateBatch(r.ctx(), b, vs, staff), "a repeat") })

	got, err := r.Voucher(r.ctx(), vs[1].Hash)
	require.NoError(t, err)
	require.Equal(t, voucher.Voucher{ID: vs[1].ID, Batch: b.ID, Hash: vs[1].Hash, Masked: "••••4242", Kind: voucher.VoucherCode, ValidityYears: 2,
		State: voucher.Unused, CreatedAt: noon, ExpiresAt: b.ExpiresAt}, got)
	byID, err := r.VoucherByID(r.ctx(), vs[1].ID)
	require.NoError(t, err)
	require.Equal(t, got, byID)
	_, err = r.Voucher(r.ctx(), random(32))
	isFault(t, err, fault.NotFound, "voucher.unknown")

	second := batch(2)
	isFault(t, r.CreateBatch(r.ctx(), second, append(newVouchers(1), vs[0]), staff), fault.Conflict, "voucher.duplicate")
	require.Equal(t, 3, one[int](r, `SELECT count(*) FROM vouchers`), "a batch with a known code leaves nothing")
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM voucher_batches`))
}

func TestImportVouchersCanBeRepeated(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	b, vs := batch(0), newVouchers(3)
	n, err := r.ImportVouchers(r.ctx(), b, vs[:2], staff)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	r.unchanged(func() {
		n, err = r.ImportVouchers(r.ctx(), b, vs[:2], staff)
		require.NoError(t, err)
		require.Zero(t, n)
	})
	n, err = r.ImportVouchers(r.ctx(), b, vs, staff)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	batches, err := r.Batches(r.ctx())
	require.NoError(t, err)
	require.Len(t, batches, 1)
	require.Equal(t, 3, batches[0].Count)
}

func TestVoucherStates(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted() // used
	hashes := r.vouchers(2)
	cancelled, err := r.Voucher(r.ctx(), hashes[0])
	require.NoError(t, err)
	require.NoError(t, r.RevokeVoucher(r.ctx(), cancelled.ID, staff))

	counts := func() map[voucher.State]int {
		t.Helper()
		out := map[voucher.State]int{}
		bs, err := r.Batches(r.ctx())
		require.NoError(t, err)
		for _, b := range bs {
			for s, n := range b.States {
				out[s] += n
			}
		}
		for _, s := range voucher.States { // the list and the counts say the same, and both what StateAt says
			vs, err := r.Vouchers(r.ctx(), storeFilter(s))
			require.NoError(t, err)
			require.Len(t, vs, out[s], s)
			for _, v := range vs {
				require.Equal(t, s, v.StateAt(r.clock()))
			}
		}
		return out
	}
	require.Equal(t, map[voucher.State]int{voucher.Unused: 1, voucher.Used: 1, voucher.Cancelled: 1, voucher.Expired: 0}, counts())
	r.later(366 * 24 * time.Hour)
	require.Equal(t, map[voucher.State]int{voucher.Unused: 0, voucher.Used: 1, voucher.Cancelled: 1, voucher.Expired: 1}, counts(),
		"expiry is a matter of the clock")

	of, err := r.Vouchers(r.ctx(), store.VoucherFilter{Order: number})
	require.NoError(t, err)
	require.Len(t, of, 1)
	require.Equal(t, number, of[0].Order)
}

func TestRevokeVoucher(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	v, err := r.Voucher(r.ctx(), r.vouchers(1)[0])
	require.NoError(t, err)
	require.NoError(t, r.RevokeVoucher(r.ctx(), v.ID, staff))
	r.unchanged(func() { require.NoError(t, r.RevokeVoucher(r.ctx(), v.ID, staff), "a repeat") })

	used, err := r.Vouchers(r.ctx(), store.VoucherFilter{Order: r.accepted()})
	require.NoError(t, err)
	isFault(t, r.RevokeVoucher(r.ctx(), used[0].ID, staff), fault.Conflict, "voucher.used")
	isFault(t, r.RevokeVoucher(r.ctx(), uuid.NewString(), staff), fault.NotFound, "voucher.unknown")
}

func TestVouchersPageByPage(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.vouchers(3)
	r.vouchers(4)
	all, err := r.Vouchers(r.ctx(), store.VoucherFilter{})
	require.NoError(t, err)
	require.Len(t, all, 7)
	var paged []voucher.Voucher
	for after := ""; ; {
		page, err := r.Vouchers(r.ctx(), store.VoucherFilter{Limit: 2, After: after})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		paged, after = append(paged, page...), page[len(page)-1].ID
	}
	require.Equal(t, all, paged)
	one, err := r.Vouchers(r.ctx(), store.VoucherFilter{Batch: all[0].Batch})
	require.NoError(t, err)
	require.Less(t, len(one), 7)
}

// An order and its end race with another order for the same voucher: whatever happens, one live order holds it at most.
func TestRedemptionAgainstRelease(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	hash := r.vouchers(1)[0]
	const rounds = 20
	as := make([]order.Acceptance, rounds)
	for i := range as {
		sub := submission(hash)
		number, _, err := r.ReserveNumber(r.ctx(), sub)
		require.NoError(t, err)
		as[i] = acceptance(number, sub, noon)
	}
	race(as, func(a order.Acceptance) error {
		if err := r.Accept(r.ctx(), a); err != nil {
			return err
		}
		return r.Close(r.ctx(), a.Submission.Number, order.Cancelled, applicant, "", noon, nil)
	})
	require.Zero(t, one[int](r, `SELECT count(*) FROM orders WHERE state = 'accepted'`))
	v, err := r.Voucher(r.ctx(), hash)
	require.NoError(t, err)
	require.Equal(t, voucher.Unused, v.State)
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}
