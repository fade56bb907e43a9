package e2e_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

const reuseSubject = "お申し込みの確認のお願い"

// proven carries an order for the form to its certificate and returns its number.
func (w *world) proven(form order.Application) string {
	w.t.Helper()
	number := w.challenged(w.submit(form))
	w.complete(number)
	return number
}

// renewalOf is the form of an earlier application once more, with a voucher of its own.
func (w *world) renewalOf(form order.Application) order.Application {
	w.t.Helper()
	form.Type, form.Voucher = order.Renewal, w.vouchers(1)[0]
	return form
}

// endsSoon moves the end of an order's certificate in the record, as time would.
func (w *world) endsSoon(number string, in time.Duration) {
	w.t.Helper()
	_, err := w.sql.ExecContext(w.ctx, `UPDATE certificates SET not_after = now() + $2::interval WHERE order_number = $1`, number, in.String())
	require.NoError(w.t, err)
}

// askedYesterday makes a day of the time since the representative was asked last: they are asked once a day.
func (w *world) askedYesterday(address string) {
	w.t.Helper()
	_, err := w.sql.ExecContext(w.ctx, `UPDATE letters SET created_at = created_at - interval '1 day' WHERE kind = 'reuse-confirmation' AND recipient = $1`, address)
	require.NoError(w.t, err)
}

// asked waits until the representative is asked, and returns the link in their mail.
func (w *world) asked(number, address string) (link string) {
	w.t.Helper()
	w.await(number, "the question to the representative", func(s order.Status) bool {
		return len(s.Awaited) > 0 && s.Awaited[0].Code == "reuse-confirmation"
	})
	w.until("a mail to "+address+" about order "+number, func(context.Context) error {
		for _, m := range w.received(address, reuseSubject) {
			if strings.Contains(m.Text, number) {
				link = linkIn(w.t, m, "/confirm/")
				return nil
			}
		}
		return errors.New("none has come")
	})
	return link
}

// A renewal by the organisation and representative that are known: one click in a mail to the address that was registered, no record to publish, no
// phone call, and what is left of the certificate before is added to the new one (G3, G16).
func TestARenewalReusesWhatIsKnown(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	first := w.proven(form)
	w.endsSoon(first, 20*24*time.Hour)

	again := w.renewalOf(form)
	again.Representative.Email = strings.ToUpper(form.Representative.Email[:1]) + form.Representative.Email[1:] // typed a little differently
	number := w.submit(again)
	link := w.asked(number, form.Representative.Email)
	require.Contains(t, w.mails(form.TechnicalContact.Email, "申請完了", 2)[1].Text, "更新する証明書")
	st := w.status(number)
	require.Nil(t, st.Challenge, "nobody is asked to publish anything")
	require.Equal(t, first, st.Renews.Order)
	w.listed(number, `OrderState = 'accepted' AND WaitingOn = 'reuse-confirmation' AND NeedsStaff = false`)

	w.decide(link, "approve")
	c := w.issuedOnce(number)
	w.closed(number)
	st = w.status(number)
	require.Equal(t, first, st.Reuse.Live(order.DomainEvidence).Order)
	require.Equal(t, first, st.Reuse.Live(order.OrganizationEvidence).Order)
	require.Nil(t, st.Challenge)
	require.Equal(t, order.PhoneSteps{}, st.Phone, "nobody was phoned")
	require.Equal(t, []string{"representative"}, actors(st, "organization-reused"))
	leaf, err := x509.ParseCertificate(c.DER)
	require.NoError(t, err)
	require.WithinDuration(t, leaf.NotBefore.AddDate(1, 0, 20), leaf.NotAfter, time.Hour, "a year and what was left")
	require.LessOrEqual(t, len(w.history(number)), mostEvents)
	w.historyKeepsTo(number, w.secretsOf(number, again))
	require.Error(t, w.tryDecide(w.ctx, link, "deny"), "a link answers once")

	w.askedYesterday(form.Representative.Email)
	later := w.submit(w.renewalOf(form))
	w.asked(later, form.Representative.Email)
	require.Nil(t, w.status(later).Renews, "what ends in a year is not renewed yet")
	w.command(later, order.OrderCancelled{Actor: applicant, Reason: "too early"})
	w.endedWithout(later, order.Cancelled, "too early")
}

// A stranger types the name of an organisation that is known, with people and addresses of their own: nothing is reused, the organisation is
// phoned, and whoever answers there is asked.
func TestAStrangersApplicationReusesNothing(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	known := w.application(order.DCVTXT)
	w.proven(known)

	stranger := w.application(order.DCVTXT) // the same organisation, another domain, other addresses
	require.Equal(t, known.Organization, stranger.Organization)
	number := w.challenged(w.submit(stranger))
	w.prove(number)
	st := w.awaitState(number, order.OrganizationValidation)
	require.Nil(t, st.Reuse)
	require.Equal(t, "phone-number", st.Awaited[0].Code, "the call is made")
	require.Empty(t, w.received(stranger.Representative.Email, reuseSubject), "nobody is asked at an address that was typed now")
	require.Empty(t, w.received(known.Representative.Email, reuseSubject))
	w.command(number, order.OrderRejected{Actor: staff, Reason: "the organisation knows nothing of it"})
	w.endedWithout(number, order.Rejected, "knows nothing")
}

// A stranger types the registered representative as well, with their address: the mail goes to the representative, who denies it.
func TestARepresentativeDeniesAnApplicationInTheirName(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	known := w.application(order.DCVTXT)
	first := w.proven(known)

	theft := w.application(order.DCVTXT)
	theft.Representative = known.Representative
	number := w.submit(theft)
	link := w.asked(number, known.Representative.Email)
	require.Len(t, w.status(number).Reuse.Offered, 1, "their domain was never proved")
	status, page := w.get(link)
	require.Equal(t, 200, status)
	require.Contains(t, string(page), theft.CertificateEmail, "what the certificate is for")
	require.Empty(t, w.received(theft.TechnicalContact.Email, reuseSubject))

	w.decide(link, "deny")
	st := w.endedWithout(number, order.Rejected, "not theirs")
	require.True(t, st.Reuse.Denied)
	require.Equal(t, []string{"representative"}, actors(st, "reuse-denied"))
	require.Empty(t, st.Reuse.Reused)
	require.Contains(t, w.mail(theft.TechnicalContact.Email, "お受けできませんでした").Text, number)

	w.askedYesterday(known.Representative.Email)
	honest := w.submit(w.renewalOf(known))
	w.decide(w.asked(honest, known.Representative.Email), "approve")
	w.issuedOnce(honest)
	require.Equal(t, first, w.status(honest).Reuse.Live(order.OrganizationEvidence).Order, "the evidence itself is as good as before")
}
