package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/workflows"
)

// years is the life after issue, in virtual time over the real record: the schedule's workflow every morning, and each letter's delivery.
type years struct {
	*record
	at time.Time // the present morning

	mu   sync.Mutex
	open int      // workflows under way
	most int      // of them at once
	sent []string // what each reader got: "who: certificate ends in days"
}

func (y *years) clock() time.Time { return y.at }

// runs counts a workflow as open while it runs.
func (y *years) runs(workflow any, in any, acts ...any) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(y.at)
	for _, a := range acts {
		env.RegisterActivity(a)
	}
	y.mu.Lock()
	y.open++
	y.most = max(y.most, y.open)
	y.mu.Unlock()
	env.ExecuteWorkflow(workflow, in)
	require.NoError(y.t, env.GetWorkflowError())
	y.mu.Lock()
	y.open--
	y.mu.Unlock()
}

// Post delivers a letter by its workflow.
func (y *years) Post(_ context.Context, number, letter string) error {
	y.runs(workflows.Post, activities.PostInput{Number: number, Letter: letter}, &activities.Mailing{Records: y.Store, Mailer: y, Clock: y.clock})
	return nil
}

// Send is the reader's mailbox.
func (y *years) Send(_ context.Context, l order.Letter) (string, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if l.Kind == order.LetterExpiryReminder {
		y.sent = append(y.sent, fmt.Sprintf("%s: %s ends in %d", l.Recipient, l.Facts.CertificateEmail, l.Facts.DaysLeft))
	}
	return "250 ok", nil
}

// morning is one run of the schedule.
func (y *years) morning() {
	book, _ := policy.Open(policy.Guide)
	y.runs(workflows.RemindExpiry, workflows.RemindExpiryInput{}, &activities.Reminding{
		Records: y.Store, Poster: y, Policy: book, Addresses: activities.Addresses{PublicURL: "https://portal.example.jp"}, Clock: y.clock,
	})
}

// lasting is a certificate for the address that ends so many days after noon and was issued so many after it.
func (y *years) lasting(address string, issued, ends int) string {
	c := y.expiring(address)
	y.exec(`UPDATE certificates SET issued_at = $2, not_after = $3 WHERE order_number = $1`, c.Order, noon.AddDate(0, 0, issued), noon.AddDate(0, 0, ends))
	return c.Order
}

// TestTwoYearsOfReminders: every reminder that somebody is due, once, and between two mornings no workflow waits for any of it.
func TestTwoYearsOfReminders(t *testing.T) {
	t.Parallel()
	y := &years{record: newRecord(t), at: noon}
	y.lasting("one@example.co.jp", 0, 365)
	y.lasting("two@example.co.jp", 0, 730)
	y.lasting("renewed@example.co.jp", 0, 365)
	y.lasting("away@example.co.jp", 0, 500) // the server is away from day 464 to 480, over two milestones of it
	own := y.lasting("own@example.co.jp", 0, 600)
	y.exec(`UPDATE orders SET application = jsonb_set(application, '{technical_contact,email}', '"own@example.co.jp"') WHERE number = $1`, own)
	revoked := y.lasting("revoked@example.co.jp", 0, 365)
	stopped := y.lasting("stopped@example.co.jp", 0, 365)

	for day := 1; day <= 760; day++ {
		y.at = noon.AddDate(0, 0, day).Add(-time.Hour)
		switch day {
		case 340: // after 60 and 30
			y.lasting("renewed@example.co.jp", 340, 365+365)
			y.exec(`UPDATE certificates SET revoked_at = $2, revocation_reason = 4 WHERE order_number = $1`, revoked, y.at)
			require.NoError(t, y.StopReminders(t.Context(), stopped, "tech@example.co.jp", y.at))
		case 720:
			y.most = 0
		}
		if day > 464 && day < 480 {
			continue
		}
		y.morning()
		require.Zero(t, y.open, "no workflow is left waiting on day %d", day)
		require.LessOrEqual(t, y.most, 2, "the schedule's own, and one letter at a time")
	}

	want := map[string]int{}
	both := func(address string, days ...int) {
		for _, d := range days {
			want[fmt.Sprintf("tech@example.co.jp: %s ends in %d", address, d)]++
			want[fmt.Sprintf("%s: %s ends in %d", address, address, d)]++
		}
	}
	both("one@example.co.jp", 60, 30, 14, 7, 1)
	both("two@example.co.jp", 60, 30, 14, 7, 1)
	both("renewed@example.co.jp", 60, 30)           // the first one
	both("renewed@example.co.jp", 60, 30, 14, 7, 1) // its successor
	both("away@example.co.jp", 60, 21, 14, 7, 1)    // 30 came late, nothing twice
	both("revoked@example.co.jp", 60, 30)
	both("stopped@example.co.jp", 60, 30)
	for _, d := range []int{60, 30, 14, 7, 1} {
		want[fmt.Sprintf("own@example.co.jp: own@example.co.jp ends in %d", d)]++
	}
	for _, d := range []int{14, 7, 1} {
		want[fmt.Sprintf("stopped@example.co.jp: stopped@example.co.jp ends in %d", d)]++
	}
	got := map[string]int{}
	for _, s := range y.sent {
		got[s]++
	}
	require.Equal(t, want, got)
	require.Zero(t, one[int](y.record, `SELECT count(*) FROM letters WHERE kind = 'expiry-reminder' AND state <> 'sent'`))
	_, err := y.VerifyAudit(t.Context(), nil)
	require.NoError(t, err)
}
