package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

func TestARejectedOrCancelledOrderEndsInEveryStageAndTellsWhy(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		state   order.State
		cmd     order.Command
		subject string
		reason  string
	}{
		{order.Rejected, order.OrderRejected{Actor: staff, Reason: "登記を確認できません。 No such register entry."}, "お受けできませんでした", "登記を確認できません。"},
		{order.Cancelled, order.OrderCancelled{Actor: applicant, Reason: "不要になりました。 No longer needed."}, "取消し", "不要になりました。"},
	} {
		for stage, reach := range map[order.State]func(w *world) string{
			order.DomainValidation:       func(w *world) string { return w.order(order.DCVFile) },
			order.OrganizationValidation: func(w *world) string { return w.validated(w.application(order.DCVFile)) },
		} {
			t.Run(fmt.Sprintf("%s in %s", end.state, stage), func(t *testing.T) {
				t.Parallel()
				w := common.enter(t)
				number := reach(w)
				w.command(number, end.cmd)
				st := w.endedWithout(number, end.state, end.reason)
				require.Contains(t, actors(st, "order-"+string(end.state)), end.cmd.By())
				m := w.mail(st.Application.TechnicalContact.Email, end.subject)
				told := end.cmd.By() == staff.By() // what an applicant writes is not mailed to an address that nobody has verified
				require.Equal(t, told, strings.Contains(m.Text, end.reason))
				require.Equal(t, told, strings.Contains(m.HTML, end.reason))
				require.Equal(t, "order.not-running", w.refused(number, confirmed).Code)
			})
		}
	}
}

func TestACancellationInTheTemporalUIEndsTheOrderByItsOwnRules(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	require.NoError(t, w.temporal.CancelWorkflow(w.ctx, workflows.OrderID(number), ""))
	st := w.endedWithout(number, order.Cancelled, "運用担当者")
	require.Equal(t, workflows.OrderResult{State: order.Cancelled}, w.closed(number))
	w.mail(st.Application.TechnicalContact.Email, "取消し")
}
