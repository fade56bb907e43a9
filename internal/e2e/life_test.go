package e2e_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// trigger runs a schedule now, as an operator would.
func (w *world) trigger(schedule string) {
	w.t.Helper()
	require.NoError(w.t, w.temporal.ScheduleClient().GetHandle(w.ctx, schedule).Trigger(w.ctx, client.ScheduleTriggerOptions{}))
}

// endsIn moves the end of the order's certificate, which was issued long ago then.
func (w *world) endsIn(number string, d time.Duration) {
	w.t.Helper()
	_, err := w.sql.ExecContext(w.ctx, `UPDATE certificates SET issued_at = issued_at - interval '1 year', not_after = $2 WHERE order_number = $1`, number, time.Now().Add(d))
	require.NoError(w.t, err)
}

const aDay = 24 * time.Hour

// TestACertificateThatEndsIsRemindedOfAndRenewed: mail to both, an entry for the calendar, a form that is filled in but for what is needed
// anew, and a way to hear no more.
func TestACertificateThatEndsIsRemindedOfAndRenewed(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	number := w.challenged(w.submit(form))
	w.complete(number)
	subject := "（" + form.CertificateEmail + "）"

	w.endsIn(number, 30*aDay-time.Hour)
	w.trigger("remind-expiry")
	contact, address := w.mail(form.TechnicalContact.Email, subject), w.mail(form.CertificateEmail, subject)
	require.Contains(t, contact.Subject, "あと30日")
	for _, m := range []mailbox.Mail{contact, address} {
		e, err := enmime.ReadEnvelope(bytes.NewReader(m.Raw))
		require.NoError(t, err)
		require.Len(t, e.Attachments, 1)
		require.Contains(t, string(e.Attachments[0].Content), "BEGIN:VEVENT")
		require.Equal(t, "<"+linkIn(t, m, "/stop/")+">", e.GetHeader("List-Unsubscribe"))
	}

	v := w.visitor(false)
	v.open(linkIn(t, contact, "/renew/"))
	again := w.application(order.DCVTXT)
	v.fill("#enroll", map[string]string{
		"voucher": again.Voucher, "csr": again.CSR, "terms_accepted": "yes", "validity_years": "1",
		"representative.department": form.Representative.Department, "representative.family_name_ja": form.Representative.FamilyNameJA,
		"representative.given_name_ja": form.Representative.GivenNameJA, "representative.family_name": form.Representative.FamilyName,
		"representative.given_name": form.Representative.GivenName, "representative.email": form.Representative.Email,
	})
	require.EqualValues(t, 200, v.press("#enroll .primary"), v.text())
	require.EqualValues(t, 200, v.press("main form .primary"), v.text())
	require.Contains(t, v.address(), "/receipt/")
	renewal := w.status(w.latestFor(form.CertificateEmail))
	require.Equal(t, order.Renewal, renewal.Type)
	require.Equal(t, form.TechnicalContact.Email, renewal.Application.TechnicalContact.Email)

	request, err := http.NewRequestWithContext(w.ctx, http.MethodPost, linkIn(t, contact, "/stop/"), bytes.NewBufferString(url.Values{"List-Unsubscribe": {"One-Click"}}.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	w.endsIn(number, 14*aDay-time.Hour)
	w.trigger("remind-expiry")
	w.mails(form.CertificateEmail, subject, 2)
	require.Len(t, w.received(form.TechnicalContact.Email, subject), 1, "whoever has stopped them hears no more")
}

// latestFor finds the order that was handed in for the address last.
func (w *world) latestFor(address string) (number string) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRowContext(w.ctx, `SELECT number FROM orders WHERE certificate_email = $1 ORDER BY created_at DESC LIMIT 1`, address).Scan(&number))
	return number
}

// TestAnOrderThatLostItsWorkflowGoesOn: terminated in the UI in the midst of everything, found by reconciliation, taken to its good end.
func TestAnOrderThatLostItsWorkflowGoesOn(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.challenged(w.submit(w.application(order.DCVTXT)))
	w.command(number, numberVerified)
	w.command(number, reached)
	require.NoError(t, w.temporal.TerminateWorkflow(w.ctx, workflows.OrderID(number), "", "a slip of the hand"))
	w.trigger("reconcile")
	w.await(number, "a new run", func(st order.Status) bool { return done(st, string(order.DriftRestarted)) == 1 })
	w.prove(number)
	w.command(number, confirmed)
	c := w.issuedOnce(number)
	require.NotEmpty(t, c.Serial)
	w.closed(number)
}
