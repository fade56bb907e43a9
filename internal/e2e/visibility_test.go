package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

func TestOperatorsSeeStateWhatIsAwaitedAndTheDeadlineInTheTemporalUI(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	st := w.status(number)
	w.listed(number, `OrderState = 'domain-validation' AND WaitingOn = 'dns-record' AND NeedsStaff = false`)
	w.listed(number, fmt.Sprintf(`DeadlineAt BETWEEN '%s' AND '%s' AND WaitingSince BETWEEN '%s' AND '%s'`,
		moment(st.DeadlineAt), moment(st.DeadlineAt.Add(time.Second)), moment(st.CreatedAt), moment(w.desk.Clock().Add(time.Second))))
	details := w.details(number)
	require.Contains(t, details, "**domain-validation** since ")
	require.Contains(t, details, "the DNS record")
	require.Contains(t, details, "deadline "+st.DeadlineAt.Format("2006-01-02 15:04:05"))
	require.NotContains(t, details, st.Domain)
	require.NotContains(t, details, st.Challenge.Token)
	w.prove(number)
	w.awaitState(number, order.OrganizationValidation)
	w.listed(number, `OrderState = 'organization-validation' AND WaitingOn = 'phone-validation' AND NeedsStaff = true`)
	w.phone(number)
	w.issuedOnce(number)
	w.closed(number)
	w.listed(number, `OrderState = 'issued' AND WaitingOn = 'nobody' AND NeedsStaff = false AND ExecutionStatus = 'Completed'`)
	d, err := w.temporal.DescribeWorkflow(w.ctx, workflows.OrderID(number), "")
	require.NoError(t, err)
	summary, err := d.GetStaticSummary()
	require.NoError(t, err)
	require.Contains(t, summary, number)
}

// moment writes a time as filters of the list take it, in whole seconds.
func moment(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func TestARefusedSubmissionIsToldApartInTheTemporalUI(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t)
	for _, code := range w.vouchers(10) { // in nearly every duel the loser has a workflow
		answers := w.race(w.formWith(order.DCVTXT, code), w.formWith(order.DCVTXT, code))
		for _, number := range w.handedIn(code) {
			if number != answers[0].Number && number != answers[1].Number && w.leftNothing(number) == 1 {
				w.listed(number, `OrderState = 'refused' AND ExecutionStatus = 'Completed'`)
				return
			}
		}
	}
	require.Fail(t, "no loser had a workflow")
}
