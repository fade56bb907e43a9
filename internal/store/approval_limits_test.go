package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// acceptedFor returns the number of a fresh order with the voucher and the technical contact.
func (r *record) acceptedFor(voucher []byte, contact string) string {
	r.t.Helper()
	sub := submission(voucher)
	sub.Application.TechnicalContact.Email = contact
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(r.t, err)
	require.NoError(r.t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())))
	return number
}

// someone is an address that nobody has used yet.
func someone() string { return uuid.NewString() + "@example.jp" }

// mailed asks the domain for approval; with told the technical contact would be told that it cannot be.
func (r *record) mailed(number string, sequence int, told bool) (dcv.Challenge, error) {
	r.t.Helper()
	at := r.tick()
	c := challenge(number, sequence, order.DCVEmail, at)
	key := uuid.NewString()
	letters := []order.Letter{letter(number, order.LetterDomainApproval, key+"/admin", at), letter(number, order.LetterDomainApproval, key+"/postmaster", at)}
	if told {
		letters = append(letters, letter(number, order.LetterApprovalsHeld, key, at))
	}
	return r.OpenChallenge(r.ctx(), c, letters, "system")
}

func (r *record) count(number string, kind order.LetterKind) int {
	r.t.Helper()
	return one[int](r, `SELECT count(*) FROM letters WHERE order_number = $1 AND kind = $2`, number, kind)
}

// TestADomainIsNotFloodedWithApprovalMails: whoever applies and cancels again and again is stopped, by all orders together.
func TestADomainIsNotFloodedWithApprovalMails(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		say  string
		most int
		next func(r *record, voucher []byte) string
	}{
		{"ten sets for all", 10, func(r *record, _ []byte) string { return r.acceptedFor(r.vouchers(1)[0], someone()) }},
		{"five under one technical contact, however it is spelt", 5, func(r *record, _ []byte) string {
			return r.acceptedFor(r.vouchers(1)[0], map[bool]string{true: "tech@example.co.jp", false: "TECH@Example.co.jp"}[r.clock().Unix()%2 == 0])
		}},
		{"three with one voucher, whoever is named", 3, func(r *record, voucher []byte) string { return r.acceptedFor(voucher, someone()) }},
	} {
		t.Run(row.say, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			voucher := r.vouchers(1)[0]
			first := r.clock().Add(2 * time.Second)
			for range row.most {
				number := row.next(r, voucher)
				c, err := r.mailed(number, 1, true)
				require.NoError(t, err)
				require.Zero(t, c.MailsAfter)
				require.NoError(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
			}
			number := row.next(r, voucher)
			_, err := r.mailed(number, 1, false)
			isFault(t, err, fault.TooMany, "letter.too-often")
			require.Equal(t, order.Accepted, r.state(number), "what was asked for is refused")
			c, err := r.mailed(number, 1, true)
			require.NoError(t, err, "what the system opens is opened")
			require.Equal(t, first.Add(24*time.Hour), c.MailsAfter, "when the first set is a day old")
			require.Zero(t, r.count(number, order.LetterDomainApproval))
			require.Equal(t, 1, r.count(number, order.LetterApprovalsHeld))
			require.Equal(t, 2, one[int](r, `SELECT count(*) FROM letters WHERE order_number = $1`, number), "with the receipt")
			r.unchanged(func() {
				again, err := r.mailed(number, 1, true)
				require.NoError(t, err)
				require.Equal(t, c.MailsAfter, again.MailsAfter, "a repeat is answered as before")
			})
			st, err := r.Order(r.ctx(), number)
			require.NoError(t, err)
			require.Equal(t, order.DomainValidation, st.State)
			require.Equal(t, c.MailsAfter, st.Challenge.MailsAfter)
			require.Equal(t, "approval-mails", st.Awaited[0].Code)
			require.Equal(t, order.PartyTechnicalContact, st.Awaited[0].Party)

			r.later(c.MailsAfter.Sub(r.clock()) - 2*time.Second)
			_, err = r.mailed(number, 2, false)
			isFault(t, err, fault.TooMany, "letter.too-often")
			r.later(2 * time.Second)
			r.unchanged(func() {
				again, err := r.mailed(number, 1, true)
				require.NoError(t, err)
				require.Equal(t, c.MailsAfter, again.MailsAfter, "a late repeat, too")
			})
			sent, err := r.mailed(number, 2, false)
			require.NoError(t, err)
			require.Zero(t, sent.MailsAfter)
			require.Equal(t, 2, r.count(number, order.LetterDomainApproval))
			st, err = r.Order(r.ctx(), number)
			require.NoError(t, err)
			require.Equal(t, "domain-approval", st.Awaited[0].Code)
		})
	}
}

func TestWithheldMailsHoldNoOtherMethodUp(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	voucher := r.vouchers(1)[0]
	number := r.acceptedFor(voucher, someone())
	for sequence := range 3 {
		_, err := r.mailed(number, sequence+1, false)
		require.NoError(t, err)
	}
	_, err := r.mailed(number, 4, false)
	isFault(t, err, fault.TooMany, "letter.too-often")
	require.Equal(t, 3, one[int](r, `SELECT sequence FROM challenges WHERE order_number = $1 AND ended_at IS NULL`, number), "the links of before stay good")
	aged, err := r.mailed(number, 4, true)
	require.NoError(t, err, "a value that has aged is replaced")
	require.False(t, aged.MailsAfter.IsZero())
	c, err := r.OpenChallenge(r.ctx(), challenge(number, 5, order.DCVTXT, r.tick()), []order.Letter{letter(number, order.LetterChallenge, "5", r.clock())}, applicant)
	require.NoError(t, err)
	require.Zero(t, c.MailsAfter)
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, "dns-record", st.Awaited[0].Code)
}

// TestADomainIsMailedAtOnceNoMoreThanItMay: orders that open at one moment count each other.
func TestADomainIsMailedAtOnceNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	numbers := make([]string, 14)
	for i := range numbers {
		numbers[i] = r.acceptedFor(r.vouchers(1)[0], someone())
	}
	for _, err := range race(numbers, func(number string) error {
		_, err := r.mailed(number, 1, true)
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 10, one[int](r, `SELECT count(*) FROM challenges WHERE mails_after IS NULL`))
}
