package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/voucher"
)

// PostgreSQL's table of transitions and order.State.CanBecome say the same, in SQL and by what UPDATE does.
func TestTransitionsAgreeWithTheDomain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for _, from := range order.States {
		for _, to := range order.States {
			name := fmt.Sprintf("%s to %s", from, to)
			require.Equal(t, from.CanBecome(to), one[bool](r, `SELECT EXISTS (SELECT FROM order_transitions WHERE from_state = $1 AND to_state = $2)`, from, to), name)
			if from == to {
				continue
			}
			r.exec(`SET session_replication_role = replica; UPDATE orders SET state = '` + string(from) + `'; SET session_replication_role = origin`)
			_, err := r.db.ExecContext(r.ctx(), `UPDATE orders SET state = $2 WHERE number = $1`, number, to)
			require.Equal(t, from.CanBecome(to), err == nil, "%s: %v", name, err)
		}
	}
	require.Equal(t, one[int](r, `SELECT count(*) FROM order_transitions`), countTransitions(), "no state that the domain does not know")
}

func countTransitions() (n int) {
	for _, from := range order.States {
		for _, to := range order.States {
			if from.CanBecome(to) {
				n++
			}
		}
	}
	return n
}

func TestOrderBeginsAsAccepted(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.exec(`DELETE FROM letters`)
	_, err := r.db.ExecContext(r.ctx(), `
		WITH gone AS (DELETE FROM orders WHERE number = $1 RETURNING *)
		INSERT INTO orders SELECT number, type, 'issued' FROM gone`, number)
	require.ErrorContains(t, err, "begins as accepted")
}

// The generated column needs_staff and order.Progress.Awaited say the same, in every state and with every set of phone steps, blocked or not, with
// the representative asked about earlier validations or these reused.
func TestNeedsStaffAgreesWithTheDomain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.accepted()
	for _, state := range order.States {
		for steps := range 64 {
			at := func(bit int) any {
				if steps&bit == 0 {
					return nil
				}
				return noon
			}
			r.exec(`SET session_replication_role = replica`)
			r.exec(`UPDATE orders SET state = '`+string(state)+`', number_verified_at = $1, reached_at = $2, confirmed_at = $3,
				blocked_at = $4, blocked = CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE '{}'::jsonb END,
				reuse = CASE WHEN $5::timestamptz IS NULL THEN '' ELSE 'asked' END, organization_reused_at = $6`, at(1), at(2), at(4), at(8), at(16), at(32))
			list, err := r.Orders(r.ctx(), order.Filter{})
			require.NoError(t, err)
			owed := false
			for _, a := range list[0].Awaited {
				owed = owed || a.Party == order.PartyStaff
			}
			require.Equal(t, owed, list[0].NeedsStaff, "%s with steps, block and reuse %06b", state, steps)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for _, end := range []order.State{order.Rejected, order.Cancelled, order.Expired} {
		for _, from := range order.States {
			t.Run(fmt.Sprintf("%s from %s", end, from), func(t *testing.T) {
				number := r.inState(from)
				at := r.tick()
				err := r.Close(r.ctx(), number, end, staff, "会社の実在を確認できません", at, []order.Letter{letter(number, order.LetterRejected, "", at)})
				switch {
				case from == end:
					require.NoError(t, err, "a repeat")
					return
				case !from.CanBecome(end):
					isFault(t, err, fault.Conflict, "order.state")
					require.Equal(t, from, r.state(number))
					return
				}
				require.NoError(t, err)
				st, err := r.Order(r.ctx(), number)
				require.NoError(t, err)
				require.Equal(t, end, st.State)
				require.Equal(t, at, st.StateSince)
				require.Equal(t, "会社の実在を確認できません", st.Reason)
				require.Empty(t, st.Awaited)
				require.Equal(t, "order-"+string(end), st.Timeline[len(st.Timeline)-1].Action)

				if from != order.Review { // a reissue has none
					v, err := r.Voucher(r.ctx(), one[[]byte](r, `SELECT voucher_hash FROM orders WHERE number = $1`, number))
					require.NoError(t, err)
					require.Equal(t, voucher.Unused, v.State, "the voucher is given back")
				}
				r.unchanged(func() {
					require.NoError(t, r.Close(r.ctx(), number, end, staff, "again", r.tick(), []order.Letter{letter(number, order.LetterRejected, "", at)}))
				})
				r.unchanged(func() {
					other := map[order.State]order.State{order.Rejected: order.Cancelled, order.Cancelled: order.Expired, order.Expired: order.Rejected}[end]
					isFault(t, r.Close(r.ctx(), number, other, staff, "", r.tick(), nil), fault.Conflict, "order.state")
				})
			})
		}
	}
}

func TestCloseIsOnlyForEndsWithoutCertificate(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issued, issuing := r.inState(order.Issued), r.inState(order.Issuing)
	for _, s := range []order.State{order.Issued, order.Accepted, order.Issuing, "nonsense"} {
		isFault(t, r.Close(r.ctx(), issued, s, staff, "", r.tick(), nil), fault.Conflict, "order.state")
		isFault(t, r.Close(r.ctx(), issuing, s, staff, "", r.tick(), nil), fault.Conflict, "order.state")
	}
	isFault(t, r.Close(r.ctx(), "1000000000", order.Rejected, staff, "", r.tick(), nil), fault.NotFound, "order.unknown")
}

// An order whose issuing is stuck for good is rejected: staff say so, the order ends, the voucher serves again, and a signature that
// comes too late is not kept.
func TestAStuckIssuanceCanBeRejected(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.inState(order.Issuing)
	applied, err := r.command(number, order.OrderRejected{Actor: by(), Reason: "the CAA records forbid it"})
	require.NoError(t, err)
	require.True(t, applied)
	_, err = r.command(number, order.OrderCancelled{Actor: order.Actor{Actor: applicant}, Reason: "too late"})
	isFault(t, err, fault.Conflict, "order.state")
	require.NoError(t, r.Close(r.ctx(), number, order.Rejected, staff, "the CAA records forbid it", r.tick(), nil))

	v, err := r.Voucher(r.ctx(), one[[]byte](r, `SELECT voucher_hash FROM orders WHERE number = $1`, number))
	require.NoError(t, err)
	require.Equal(t, voucher.Unused, v.State)
	require.Equal(t, order.Issuing, r.status(number).Reached)
	_, err = r.Issue(r.ctx(), number, 1, r.tick(), sign, notices(noon))
	isFault(t, err, fault.Conflict, "order.state")
	certs, err := r.Certificates(r.ctx(), number)
	require.NoError(t, err)
	require.Empty(t, certs)
}

func TestAnOrderWithACertificateKeepsItsVoucher(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.issued().Order
	r.exec(`SET session_replication_role = replica; UPDATE orders SET state = 'issuing'; SET session_replication_role = origin`)
	r.unchanged(func() {
		isFault(t, r.Close(r.ctx(), number, order.Rejected, staff, "", r.tick(), nil), fault.Conflict, "order.state")
	})
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM vouchers WHERE order_number = $1`, number))
}

// A signature and a rejection at the same moment: one of them happens.
func TestIssueAndRejectionAtOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for range 5 {
		number := r.inState(order.Issuing)
		errs := race([]bool{true, false}, func(issue bool) error {
			if issue {
				_, err := r.Issue(r.ctx(), number, 1, noon, sign, notices(noon))
				return err
			}
			return r.Close(r.ctx(), number, order.Rejected, staff, "", noon, nil)
		})
		issued := r.state(number) == order.Issued
		require.Equal(t, issued, errs[0] == nil)
		require.Equal(t, !issued, errs[1] == nil)
		require.Equal(t, issued, one[bool](r, `SELECT EXISTS (SELECT FROM vouchers WHERE order_number = $1)`, number))
	}
}

func TestAnEndIsToldOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for end, c := range map[order.State]order.Command{
		order.Rejected:  order.OrderRejected{Actor: by(), Reason: "reason"},
		order.Cancelled: order.OrderCancelled{Actor: order.Actor{Actor: applicant}, Reason: "reason"},
	} {
		number := r.accepted()
		actions := func() (out []string) {
			for _, e := range r.status(number).Timeline {
				out = append(out, e.Action)
			}
			return out
		}
		want := []string{"order-accepted", "order-" + string(end)}
		_, err := r.command(number, c)
		require.NoError(t, err)
		require.Equal(t, want, actions(), "the wish")
		require.NoError(t, r.Close(r.ctx(), number, end, c.By(), "reason", r.tick(), nil))
		require.Equal(t, want, actions(), "and the end")
		st := r.status(number)
		require.Equal(t, st.StateSince, st.Timeline[1].At)
		require.Equal(t, 2, one[int](r, `SELECT count(*) FROM audit WHERE order_number = $1 AND action = $2`, number, want[1]), "the trail keeps both")
	}
}

// A voucher that was given back serves another order, and the end of the first one, repeated, does not take it away again.
func TestGivenBackVoucherServesAnotherOrder(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	hash := r.vouchers(1)[0]
	first, second := submission(hash), submission(hash)
	n1, _, err := r.ReserveNumber(r.ctx(), first)
	require.NoError(t, err)
	n2, _, err := r.ReserveNumber(r.ctx(), second)
	require.NoError(t, err)
	require.NoError(t, r.Accept(r.ctx(), acceptance(n1, first, r.tick())))
	require.NoError(t, r.Close(r.ctx(), n1, order.Cancelled, applicant, "", r.tick(), nil))
	require.NoError(t, r.Accept(r.ctx(), acceptance(n2, second, r.tick())))
	require.NoError(t, r.Close(r.ctx(), n1, order.Cancelled, applicant, "", r.tick(), nil))
	v, err := r.Voucher(r.ctx(), hash)
	require.NoError(t, err)
	require.Equal(t, n2, v.Order)
}

func TestOrdersPageByPage(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	var numbers []string // newest first
	for range 5 {
		numbers = append([]string{r.accepted()}, numbers...)
	}
	r.challenged(numbers[1], order.DCVFile)
	r.exec(`UPDATE orders SET domain = 'example.com' WHERE number = $1`, numbers[3])

	list := func(f order.Filter) (out []string) {
		t.Helper()
		got, err := r.Orders(r.ctx(), f)
		require.NoError(t, err)
		for _, s := range got {
			out = append(out, s.Number)
		}
		return out
	}
	require.Equal(t, numbers, list(order.Filter{}))
	require.Equal(t, numbers[:2], list(order.Filter{Limit: 2}))
	require.Equal(t, numbers[2:4], list(order.Filter{Limit: 2, Before: numbers[1]}))
	require.Equal(t, numbers[4:], list(order.Filter{Limit: 2, Before: numbers[3]}))
	require.Empty(t, list(order.Filter{Before: numbers[4]}))
	require.Empty(t, list(order.Filter{Before: "no such order"}))
	require.Equal(t, numbers[1:2], list(order.Filter{State: order.DomainValidation}))
	require.Equal(t, numbers[3:4], list(order.Filter{Domain: "example.com"}))
	r.phoned(numbers[0])
	require.Equal(t, numbers[1:], list(order.Filter{NeedsStaff: true}))
	require.Equal(t, []string{numbers[1]}, list(order.Filter{NeedsStaff: true, State: order.DomainValidation, Domain: "example.co.jp", Limit: 9}))
	_, err := r.Orders(r.ctx(), order.Filter{Domain: "a\x00b"})
	isFault(t, err, fault.Invalid, "invalid-value")

	// Orders of one instant are paged through as well.
	r.exec(`UPDATE orders SET created_at = $1`, noon)
	var seen []string
	for before := ""; ; {
		page := list(order.Filter{Limit: 1, Before: before})
		if len(page) == 0 {
			break
		}
		seen, before = append(seen, page...), page[0]
	}
	require.ElementsMatch(t, numbers, seen)
}

func TestOrderTellsItsWholeLife(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	cert := r.issued()
	st, err := r.Order(r.ctx(), cert.Order)
	require.NoError(t, err)
	var actions []string
	for _, e := range st.Timeline {
		actions = append(actions, e.Action)
		require.NotEmpty(t, e.Actor)
	}
	require.Equal(t, []string{"order-accepted", "challenge-opened", "domain-validated", "phone-number-verified", "representative-reached",
		"representative-confirmed", "certificate-reserved", "certificate-issued"}, actions)
	require.True(t, st.Phone.Done())
	require.Equal(t, order.DCVTXT, st.Challenge.Method)
	require.False(t, st.Challenge.SatisfiedAt.IsZero())
	require.Len(t, st.Letters, 4)
	require.Equal(t, []order.CertificateView{{Sequence: 1, Serial: cert.Serial, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, IssuedAt: cert.IssuedAt}}, st.Certificates)
	require.Empty(t, st.Awaited)
	_, err = r.Order(r.ctx(), "1000000000")
	isFault(t, err, fault.NotFound, "order.unknown")
}

func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	st, err := r.Order(r.ctx(), r.issued().Order)
	require.NoError(t, err)
	for _, at := range []time.Time{st.CreatedAt, st.StateSince, st.DeadlineAt, st.Challenge.OpenedAt, st.Timeline[0].At, st.Phone.ReachedAt} {
		require.Equal(t, time.UTC, at.Location())
	}
}
