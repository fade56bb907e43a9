package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// applyNaming hands an application in with the contact and the voucher, under the limit of ten a day that may end.
func (r *record) applyNaming(contact string, voucher []byte) (number string, err error) {
	r.t.Helper()
	sub := submission(voucher)
	sub.Application.TechnicalContact.Email = contact
	number, _, err = r.ReserveNumber(r.ctx(), sub)
	require.NoError(r.t, err)
	a := acceptance(number, sub, r.tick())
	a.EndedOfContact = 10
	return number, r.Accept(r.ctx(), a)
}

// TestNobodyIsFloodedThroughACoupon: a stranger's address is named, the order cancelled, and again.
func TestNobodyIsFloodedThroughACoupon(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	voucher := r.vouchers(1)[0]
	first := r.clock()
	for range 10 {
		number, err := r.applyNaming("victim@example.jp", voucher)
		require.NoError(t, err)
		require.NoError(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
	}
	orders, letters := one[int](r, `SELECT count(*) FROM orders`), one[int](r, `SELECT count(*) FROM letters`)
	refused, err := r.applyNaming("Victim@EXAMPLE.jp", voucher)
	isFault(t, err, fault.TooMany, "submission.too-many")
	require.Equal(t, orders, one[int](r, `SELECT count(*) FROM orders`))
	require.Equal(t, letters, one[int](r, `SELECT count(*) FROM letters`))
	require.True(t, one[bool](r, `SELECT order_number IS NULL FROM vouchers WHERE hash = $1`, voucher), "the voucher is not used")
	_, err = r.applyNaming("other@example.jp", voucher)
	require.NoError(t, err, "somebody else can still be named")

	r.later(first.Add(day + 2*time.Second).Sub(r.clock()))
	sub, err := r.Submission(r.ctx(), refused)
	require.NoError(t, err, "the submission is still there")
	sub.VoucherHash = r.vouchers(1)[0]
	a := acceptance(refused, sub, r.tick())
	a.EndedOfContact = 10
	require.ErrorContains(t, r.Accept(r.ctx(), a), "voucher.used", "its voucher went to the other one: that is said first")
	_, err = r.applyNaming("victim@example.jp", sub.VoucherHash)
	require.NoError(t, err, "the next day")
}

// TestWhoBuysManyVouchersIsNotHeldUp: what is under way does not count.
func TestWhoBuysManyVouchersIsNotHeldUp(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for range 20 {
		_, err := r.applyNaming("Tech@example.co.jp", r.vouchers(1)[0])
		require.NoError(t, err)
	}
}

func TestAReissueNamesNobodyTooOftenEither(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	number, err := r.reserveReissue(requestFor(c))
	require.NoError(t, err)
	sub, err := r.Submission(r.ctx(), number)
	require.NoError(t, err)
	ended, err := r.applyNaming(sub.Application.TechnicalContact.Email, r.vouchers(1)[0])
	require.NoError(t, err)
	require.NoError(t, r.Close(r.ctx(), ended, order.Cancelled, applicant, "", r.tick(), nil))
	a := acceptance(number, sub, r.tick())
	a.EndedOfContact = 1
	isFault(t, r.Accept(r.ctx(), a), fault.TooMany, "submission.too-many")
	a.EndedOfContact = 2
	require.NoError(t, r.Accept(r.ctx(), a))
}

// TestARepresentativeIsAskedOnceADay: the orders between go on without them.
func TestARepresentativeIsAskedOnceADay(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.proven(nil)
	r.represented(r.apply(nil))
	offer := func(number, to string) order.Reused {
		at := r.tick()
		l := letter(number, order.LetterReuse, "", at)
		l.Recipient = to
		l.Links = []order.Link{{ID: uuid.NewString(), Hash: random(32), Order: number, Purpose: order.LinkReuse, Recipient: to, ExpiresAt: at.Add(30 * day)}}
		reused, err := r.OfferReuse(r.ctx(), order.ReuseOffer{Order: number, Reusable: r.reusable(number), AskedAt: at, Until: at.Add(3 * day), Letter: l}, reuseRules())
		require.NoError(t, err)
		return reused
	}
	second := r.apply(nil)
	require.NotNil(t, r.reusable(second).Organization)
	asked := one[string](r, `SELECT recipient FROM letters WHERE kind = 'reuse-confirmation'`)
	require.Zero(t, offer(second, asked).AskedUntil)
	require.Zero(t, r.count(second, order.LetterReuse))
	require.NotContains(t, awaitedCodes(r.status(second)), "reuse-confirmation", "it is phoned")
	require.NotZero(t, offer(r.apply(nil), "another@example.co.jp").AskedUntil)
	r.later(day)
	require.NotZero(t, offer(r.apply(nil), asked).AskedUntil, "the next day")
}
