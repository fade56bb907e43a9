package e2e_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// validated brings an order with the form to the point where only the last phone step is missing.
func (w *world) validated(form order.Application) string {
	w.t.Helper()
	number := w.challenged(w.submit(form))
	w.prove(number)
	w.command(number, numberVerified)
	w.command(number, reached)
	w.awaitState(number, order.OrganizationValidation)
	return number
}

// blocked waits until an operator sees that issuance is blocked, and why, after so many tries; nothing is reserved or issued.
func (w *world) blocked(number, why string, tries int) {
	w.t.Helper()
	w.until("a refused issuance", func(context.Context) error {
		if n := w.scheduled(number, "PrepareCertificate"); n < tries {
			return fmt.Errorf("%d tries", n)
		}
		if d := w.details(number); !strings.Contains(d, "issuance is blocked") || !strings.Contains(d, why) {
			return errors.New(d)
		}
		return nil
	})
	w.listed(number, `WaitingOn = 'blocked' AND NeedsStaff = true AND OrderState = 'organization-validation'`)
	st := w.status(number)
	require.Equal(w.t, order.OrganizationValidation, st.State)
	require.Zero(w.t, done(st, "certificate-reserved"))
}

func subjectOf(t *testing.T, c order.Certificate) (organization, city string) {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.DER)
	require.NoError(t, err)
	return leaf.Subject.Organization[0], leaf.Subject.Locality[0]
}

func TestAnOpenInquiryHoldsIssuanceUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.validated(w.application(order.DCVTXT))
	st := w.status(number)
	w.command(number, order.InquiryOpened{Actor: staff, Question: "Which of your two offices is this?"})
	require.Equal(t, "inquiry.open", w.refused(number, order.InquiryOpened{Actor: staff, Question: "And?"}).Code)
	m := w.mail(st.Application.TechnicalContact.Email, "確認のお願い")
	require.Contains(t, m.Text, "Which of your two offices is this?")
	w.command(number, confirmed)
	w.idle(number)
	st = w.status(number)
	require.True(t, st.Phone.Done())
	require.Equal(t, order.OrganizationValidation, st.State, "all is validated, but for the answer")
	require.Equal(t, "inquiry-answer", st.Awaited[0].Code)
	w.listed(number, `WaitingOn = 'inquiry-answer' AND NeedsStaff = false`)
	w.command(number, order.InquiryAnswered{Actor: applicant, Answer: "The first."})
	w.issuedOnce(number)
	st = w.status(number)
	require.Equal(t, "The first.", st.Inquiries[0].Answer)
}

func TestACorrectionAppearsInTheCertificateAndTheTrailNamesItsFields(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.validated(w.application(order.DCVTXT))
	fix := order.SubjectCorrected{Actor: staff, Organization: "Sample Shoji K.K.", RemoveUnit: true, Reason: "commercial register"}
	require.True(t, w.command(number, fix).Applied)
	require.False(t, w.command(number, fix).Applied, "nothing is left to correct")
	people := w.status(number).Application
	for _, to := range []string{people.TechnicalContact.Email, people.Representative.Email} {
		m := w.mails(to, "記載内容の訂正（オーダー番号 "+number, 1)
		require.Len(t, m, 1, "a repeat tells nothing")
		require.Contains(t, m[0].Text, "Sample Shoji K.K.", "told before anything is issued")
	}
	w.command(number, confirmed)
	c := w.issuedOnce(number)
	organization, city := subjectOf(t, c)
	require.Equal(t, "Sample Shoji K.K.", organization)
	require.Equal(t, "Chuo-ku", city, "what was not corrected stays")
	leaf, err := x509.ParseCertificate(c.DER)
	require.NoError(t, err)
	require.Empty(t, leaf.Subject.OrganizationalUnit)
	st := w.status(number)
	require.Equal(t, 1, done(st, "subject-corrected"))
	require.Equal(t, "Sample Trading K.K.", st.Application.Organization.Name, "the form stays as it was handed in")
}

func TestACorrectionAfterIssueIsRefused(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	w.Mailbox.Defer(form.CertificateEmail, 451, 1000) // keeps the workflow open
	number := w.challenged(w.submit(form))
	w.prove(number)
	w.phone(number)
	w.await(number, "a deferred mail", deferred)
	fix := order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "register"}
	require.Equal(t, "order.ended", w.refused(number, fix).Code)
	w.signal(number, fix)
	st := w.await(number, "the refused signal", func(st order.Status) bool { return st.Refusals == 1 })
	require.Equal(t, "Chuo-ku", st.Subject.City)
	w.Mailbox.Heal(form.CertificateEmail)
	c := w.issuedOnce(number)
	_, city := subjectOf(t, c)
	require.Equal(t, "Chuo-ku", city)
	w.closed(number)
	require.Equal(t, "order.not-running", w.refused(number, fix).Code)
}

func TestCAAThatForbidsIssuanceBlocksItVisiblyUntilItIsChanged(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	domain := domainOf(form.CertificateEmail)
	require.NoError(t, w.Lab.SetCAA(domain, `0 issue "ca.example"`, `0 issuemail ";"`))
	number := w.validated(form)
	w.command(number, confirmed)
	w.blocked(number, "caa.not-named", 1)
	look := order.SubjectCorrected{Actor: staff, Organization: form.Organization.Name, Reason: "CAA has been changed"} // asks to look again
	w.command(number, look)
	w.blocked(number, "caa.not-named", 2)
	require.NoError(t, w.Lab.SetCAA(domain, `0 issue "ca.example"`, `0 issuemail "digicert.com"`))
	w.command(number, look)
	w.issuedOnce(number)
	w.closed(number)
}

func TestALintFindingBlocksIssuanceUntilStaffCorrectIt(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.validated(w.application(order.DCVTXT))
	_, err := w.sql.ExecContext(w.ctx, `UPDATE orders SET subject = jsonb_set(subject, '{organization}', '"Sample &amp; Trading K.K."') WHERE number = $1`, number)
	require.NoError(t, err) // as an application that was accepted before the form knew the rule
	w.command(number, confirmed)
	w.blocked(number, "(lint", 1)
	w.command(number, order.SubjectCorrected{Actor: staff, Organization: "Sample & Trading K.K.", Reason: "commercial register"})
	organization, _ := subjectOf(t, w.issuedOnce(number))
	require.Equal(t, "Sample & Trading K.K.", organization)
}
