package store_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/voucher"
)

func TestReserveNumber(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	hashes := r.vouchers(3)
	sub := submission(hashes[0])
	number, accepted, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	require.Regexp(t, `^[1-9][0-9]{9}$`, number)
	require.False(t, accepted)

	t.Run("the same key and content is the same number", func(t *testing.T) {
		again, accepted, err := r.ReserveNumber(r.ctx(), sub)
		require.NoError(t, err)
		require.Equal(t, number, again)
		require.False(t, accepted)
	})
	t.Run("the same key with other content is a conflict", func(t *testing.T) {
		other := sub
		other.Application.CertificateEmail = "other@example.co.jp"
		_, _, err := r.ReserveNumber(r.ctx(), other)
		isFault(t, err, fault.Conflict, "submission.key-reused")
		other = sub
		other.VoucherHash = hashes[1]
		_, _, err = r.ReserveNumber(r.ctx(), other)
		isFault(t, err, fault.Conflict, "submission.key-reused")
	})
	t.Run("a missing key is refused", func(t *testing.T) {
		_, _, err := r.ReserveNumber(r.ctx(), order.Submission{Application: application(), VoucherHash: hashes[1]})
		isFault(t, err, fault.Invalid, "submission.key")
	})
	t.Run("what was reserved can be read, without the voucher code", func(t *testing.T) {
		got, err := r.Submission(r.ctx(), number)
		require.NoError(t, err)
		want := application()
		want.Voucher = ""
		require.Equal(t, order.Submission{Number: number, Application: want, VoucherHash: hashes[0]}, got)
		_, err = r.Submission(r.ctx(), "1000000000")
		isFault(t, err, fault.NotFound, "order.unknown")
	})
	t.Run("another submission may reserve with the same unused voucher, and Accept decides", func(t *testing.T) {
		second := submission(hashes[0])
		other, _, err := r.ReserveNumber(r.ctx(), second)
		require.NoError(t, err)
		require.NotEqual(t, number, other)
		require.NoError(t, r.Accept(r.ctx(), acceptance(other, second, r.tick())))
		isFault(t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())), fault.Conflict, "voucher.used")
		_, err = r.Order(r.ctx(), number)
		isFault(t, err, fault.NotFound, "order.unknown")

		again, accepted, err := r.ReserveNumber(r.ctx(), second)
		require.NoError(t, err)
		require.Equal(t, other, again)
		require.True(t, accepted, "it is an order already")
	})
}

func TestBadVoucherLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	hashes := r.vouchers(4)
	used := submission(hashes[1])
	number, _, err := r.ReserveNumber(r.ctx(), used)
	require.NoError(t, err)
	require.NoError(t, r.Accept(r.ctx(), acceptance(number, used, r.tick())))
	v, err := r.Voucher(r.ctx(), hashes[2])
	require.NoError(t, err)
	require.NoError(t, r.RevokeVoucher(r.ctx(), v.ID, staff))
	before := one[int](r, `SELECT count(*) FROM submissions`)

	for _, c := range []struct {
		name  string
		hash  []byte
		years int
		at    time.Duration
		kind  fault.Kind
		code  string
	}{
		{"unknown", random(32), 1, 0, fault.NotFound, "voucher.unknown"},
		{"used by another order", hashes[1], 1, 0, fault.Conflict, "voucher.used"},
		{"cancelled", hashes[2], 1, 0, fault.Conflict, "voucher.cancelled"},
		{"for another validity", hashes[3], 2, 0, fault.Conflict, "voucher.validity"},
		{"expired", hashes[3], 1, 366 * 24 * time.Hour, fault.Conflict, "voucher.expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.later(c.at)
			sub := submission(c.hash)
			sub.Application.ValidityYears = c.years
			_, _, err := r.ReserveNumber(r.ctx(), sub)
			isFault(t, err, c.kind, c.code)
			require.Equal(t, before, one[int](r, `SELECT count(*) FROM submissions`))
		})
	}
}

// Accept's own checks decide, whatever happened since the reservation.
func TestAcceptRefusesWhatChangedSinceTheReservation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, code, change string
		kind               fault.Kind
	}{
		{"expired", "voucher.expired", `UPDATE vouchers SET expires_at = '2026-11-22 12:00:00Z'`, fault.Conflict},
		{"cancelled", "voucher.cancelled", `UPDATE vouchers SET cancelled_at = now()`, fault.Conflict},
		{"used", "voucher.used", `UPDATE vouchers SET order_number = '9999999999', used_at = now()`, fault.Conflict},
		{"validity", "voucher.validity", `UPDATE vouchers SET validity_years = 2`, fault.Conflict},
		{"unknown", "voucher.unknown", `DELETE FROM vouchers`, fault.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			sub := submission(r.vouchers(1)[0])
			number, _, err := r.ReserveNumber(r.ctx(), sub)
			require.NoError(t, err)
			r.exec(c.change)
			r.unchanged(func() { isFault(t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())), c.kind, c.code) })
			_, err = r.Order(r.ctx(), number)
			isFault(t, err, fault.NotFound, "order.unknown")
			require.Zero(t, one[int](r, `SELECT count(*) FROM letters`))
		})
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	a := acceptance(number, sub, r.tick())
	require.NoError(t, r.Accept(r.ctx(), a))

	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	app := sub.Application
	app.Voucher = ""
	require.Equal(t, order.Accepted, st.State)
	require.Equal(t, app, st.Application)
	require.Equal(t, app.Subject(), st.Subject)
	require.Equal(t, a.At, st.CreatedAt)
	require.Equal(t, a.DeadlineAt, st.DeadlineAt)
	require.Equal(t, order.Progress{State: order.Accepted, Method: order.DCVTXT}.Awaited(), st.Awaited)
	require.Equal(t, []order.Event{{At: a.At, Actor: applicant, Action: "order-accepted", Detail: "policy=guide-2026-11, type=new"}}, st.Timeline)

	v, err := r.Voucher(r.ctx(), sub.VoucherHash)
	require.NoError(t, err)
	require.Equal(t, voucher.Used, v.State)
	require.Equal(t, number, v.Order)
	pending, err := r.PendingLetters(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, a.Letters, pending)

	t.Run("the application has moved: it is kept once", func(t *testing.T) {
		require.True(t, one[bool](r, `SELECT application IS NULL FROM submissions WHERE number = $1`, number))
		got, err := r.Submission(r.ctx(), number)
		require.NoError(t, err)
		require.Equal(t, app, got.Application)
	})
	t.Run("a repeat changes nothing", func(t *testing.T) {
		r.unchanged(func() { require.NoError(t, r.Accept(r.ctx(), acceptance(number, sub, r.tick()))) })
		require.Equal(t, 1, one[int](r, `SELECT count(*) FROM letters`))
	})
	t.Run("a zombie after the end does not redeem the voucher again", func(t *testing.T) {
		require.NoError(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
		r.unchanged(func() { require.NoError(t, r.Accept(r.ctx(), a)) })
		v, err := r.Voucher(r.ctx(), sub.VoucherHash)
		require.NoError(t, err)
		require.Equal(t, voucher.Unused, v.State)
		require.Equal(t, order.Cancelled, r.state(number))
	})
	t.Run("a number that nobody reserved is not found", func(t *testing.T) {
		isFault(t, r.Accept(r.ctx(), acceptance("1000000000", sub, r.tick())), fault.NotFound, "order.unknown")
	})
}

func TestFiftyOrdersRedeemOneVoucher(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	hash := r.vouchers(1)[0]
	const racers = 50
	acceptances := make([]order.Acceptance, racers)
	for i := range acceptances {
		sub := submission(hash)
		number, _, err := r.ReserveNumber(r.ctx(), sub)
		require.NoError(t, err)
		acceptances[i] = acceptance(number, sub, noon)
	}
	errs := race(acceptances, func(a order.Acceptance) error { return r.Accept(r.ctx(), a) })
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		isFault(t, err, fault.Conflict, "voucher.used")
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM orders`))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM letters`))
}

func TestFiftyAttemptsAcceptOneOrder(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	for _, err := range race(make([]struct{}, 50), func(struct{}) error { return r.Accept(r.ctx(), acceptance(number, sub, noon)) }) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM audit WHERE order_number = $1`, number))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM letters`))
}

func TestFiftySubmissionsOfOneKey(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	var mu sync.Mutex
	numbers := map[string]bool{}
	for _, err := range race(make([]struct{}, 50), func(struct{}) error {
		number, _, err := r.ReserveNumber(r.ctx(), sub)
		mu.Lock()
		defer mu.Unlock()
		numbers[number] = true
		return err
	}) {
		require.NoError(t, err)
	}
	require.Len(t, numbers, 1)
}

func TestForgetSubmissions(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	kept := r.accepted()
	old := submission(r.vouchers(1)[0])
	oldNumber, _, err := r.ReserveNumber(r.ctx(), old)
	require.NoError(t, err)
	cut := r.later(time.Hour)
	fresh := submission(r.vouchers(1)[0])
	freshNumber, _, err := r.ReserveNumber(r.ctx(), fresh)
	require.NoError(t, err)

	n, err := r.ForgetSubmissions(r.ctx(), cut)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = r.Submission(r.ctx(), oldNumber)
	isFault(t, err, fault.NotFound, "order.unknown")
	for _, number := range []string{kept, freshNumber} {
		_, err = r.Submission(r.ctx(), number)
		require.NoError(t, err)
	}
	r.unchanged(func() {
		n, err := r.ForgetSubmissions(r.ctx(), cut)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// race calls do for every item at once and returns the errors.
func race[T any](items []T, do func(T) error) []error {
	errs := make([]error, len(items))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() {
			<-start
			errs[i] = do(item)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func TestVoucherCodeIsStoredNowhere(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.issued()
	var tables []string
	list := one[[]byte](r, `SELECT json_agg(tablename) FROM pg_tables WHERE schemaname = 'public'`)
	require.NoError(t, json.Unmarshal(list, &tables))
	require.Greater(t, len(tables), 10)
	for _, table := range tables {
		require.Zero(t, one[int](r, `SELECT count(*) FROM `+table+` x WHERE x::text LIKE '%' || $1 || '%'`, secret16), table)
	}
}

// TestRepeatsAtOnceAreOneOrder: no repeat is told that its own voucher has been used.
func TestRepeatsAtOnceAreOneOrder(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	numbers := make(chan string, 50)
	for _, err := range race(make([]struct{}, 50), func(struct{}) error {
		number, accepted, err := r.ReserveNumber(r.ctx(), sub)
		numbers <- number
		if err != nil || accepted {
			return err
		}
		return r.Accept(r.ctx(), acceptance(number, sub, noon))
	}) {
		require.NoError(t, err)
	}
	first := <-numbers
	for range 49 {
		require.Equal(t, first, <-numbers)
	}
}

func TestSubmitted(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	_, _, err := r.Submitted(r.ctx(), sub.Key)
	isFault(t, err, fault.NotFound, "order.unknown")

	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	found, accepted, err := r.Submitted(r.ctx(), sub.Key)
	require.NoError(t, err)
	require.Equal(t, number, found)
	require.False(t, accepted)

	require.NoError(t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())))
	found, accepted, err = r.Submitted(r.ctx(), sub.Key)
	require.NoError(t, err)
	require.Equal(t, number, found)
	require.True(t, accepted)
}
