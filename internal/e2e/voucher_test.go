package e2e_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

const (
	duels      = 200 // pairs of submissions with one voucher each
	sideBySide = 8
	repeats    = 100 // of one submission
)

// answer is what a submission learned.
type answer struct {
	order.Receipt
	err error
}

// race hands in the forms at the same instant.
func (w *world) race(forms ...order.Application) []answer {
	out := make([]answer, len(forms))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, form := range forms {
		all.Go(func() {
			<-start
			out[i].Receipt, out[i].err = w.handIn(form)
		})
	}
	close(start)
	all.Wait()
	return out
}

func TestOfTwoSubmissionsWithOneVoucherAtTheSameInstantOneBecomesAnOrder(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t)
	codes := make(chan string, duels)
	for _, code := range w.vouchers(duels) {
		codes <- code
	}
	close(codes)
	decidedLate := make([]int, sideBySide)
	t.Run("duels", func(t *testing.T) {
		for lane := range sideBySide {
			t.Run("lane", func(t *testing.T) {
				t.Parallel()
				w := w.in(t)
				for code := range codes {
					decidedLate[lane] += w.duel(code)
				}
			})
		}
	})
	late := 0
	for _, n := range decidedLate {
		late += n
	}
	t.Logf("%d of %d losers were refused by the redemption itself, the others before it", late, duels)
	require.Positive(t, late, "the submissions never met")
}

// duel lets two submissions fight for a voucher and returns how many workflows of losers there are: none if the loser was refused
// before one began.
func (w *world) duel(code string) (losers int) {
	w.t.Helper()
	answers := w.race(w.formWith(order.DCVTXT, code), w.formWith(order.DCVTXT, code))
	winner, loser := answers[0], answers[1]
	if winner.err != nil {
		winner, loser = loser, winner
	}
	require.NoError(w.t, winner.err)
	require.NotEmpty(w.t, winner.Number)
	f, ok := errors.AsType[*fault.Error](loser.err)
	require.Truef(w.t, ok, "the loser is told %v", loser.err)
	require.Equal(w.t, "voucher.used", f.Code)
	require.NotEmpty(w.t, f.Text.JA)
	require.Equal(w.t, 1, w.vouchersUsed(winner.Number))
	for _, number := range w.handedIn(code) {
		if number != winner.Number {
			losers += w.leftNothing(number)
		}
	}
	return losers
}

// handedIn returns the numbers that were given to submissions with the voucher.
func (w *world) handedIn(code string) []string {
	w.t.Helper()
	rows, err := w.sql.QueryContext(w.ctx, `SELECT number FROM submissions WHERE voucher_hash = $1`, w.hash(code))
	require.NoError(w.t, err)
	defer func() { _ = rows.Close() }()
	var numbers []string
	for rows.Next() {
		var number string
		require.NoError(w.t, rows.Scan(&number))
		numbers = append(numbers, number)
	}
	require.NoError(w.t, rows.Err())
	return numbers
}

// leftNothing checks that a refused submission became no order, and returns 1 if a workflow had begun for it.
func (w *world) leftNothing(number string) int {
	w.t.Helper()
	_, err := w.desk.Records.Order(w.ctx, number)
	require.Equal(w.t, fault.NotFound, fault.KindOf(err))
	var out workflows.OrderResult
	err = w.temporal.GetWorkflow(w.ctx, workflows.OrderID(number), "").Get(w.ctx, &out)
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return 0
	}
	require.NoError(w.t, err)
	require.Equal(w.t, workflows.OrderResult{Refused: "voucher.used"}, out)
	return 1
}

func TestOneSubmissionHandedInAHundredTimesAtOnceIsOneOrder(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	forms := make([]order.Application, repeats)
	for i := range forms {
		forms[i] = form
	}
	answers := w.race(forms...)
	for _, a := range answers {
		require.NoError(t, a.err)
		require.Equal(t, answers[0].Number, a.Number)
	}
	require.Equal(t, []string{answers[0].Number}, w.handedIn(form.Voucher))
	number := w.challenged(answers[0].Number)
	require.Equal(t, 1, done(w.status(number), "order-accepted"))
	w.complete(number)
	again, err := w.handIn(form)
	require.NoError(t, err)
	require.Equal(t, order.Receipt{Number: number, Repeated: true}, again, "also long after")
}

func TestAnOrderThatEndsWithoutACertificateGivesItsVoucherBack(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	code := w.vouchers(1)[0]
	for what, end := range map[order.State]order.Command{
		order.Rejected:  order.OrderRejected{Actor: staff, Reason: "no such organisation"},
		order.Cancelled: order.OrderCancelled{Actor: applicant, Reason: "no longer needed"},
	} {
		number := w.challenged(w.submit(w.formWith(order.DCVTXT, code)))
		require.Equal(t, 1, w.vouchersUsed(number))
		w.command(number, end)
		w.endedWithout(number, what, "no")
	}
	w.complete(w.challenged(w.submit(w.formWith(order.DCVTXT, code))))
	_, err := w.desk.Submit(w.ctx, w.formWith(order.DCVTXT, code), "")
	require.ErrorIs(t, err, fault.New(fault.Conflict, "voucher.used", "", ""), "a certificate uses it up")
}
