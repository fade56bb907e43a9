package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

func TestAChangedMethodReplacesTheChallengeAndItsLinks(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVEmail)
	st := w.status(number)
	old := w.approvalLink(st.Domain)
	out := w.command(number, order.DomainMethodChanged{Actor: applicant, Method: order.DCVTXT})
	require.True(t, out.Applied)
	c := w.challenge(number)
	require.Equal(t, order.DCVTXT, c.Method)
	require.Equal(t, 2, c.Sequence)
	again := w.command(number, order.DomainMethodChanged{Actor: applicant, Method: order.DCVTXT})
	require.False(t, again.Applied, "a button pressed twice changes once")
	require.Equal(t, c, w.challenge(number))
	m := w.mail(st.Application.TechnicalContact.Email, "DNSレコードの登録")
	require.Contains(t, m.Text, c.Token)
	require.Contains(t, m.Subject, "認証方式の変更")
	status, _ := w.get(old)
	require.Equal(t, http.StatusGone, status, "the old link is dead")
	w.complete(number)
}

func TestChallengeInformationSentAgainHoldsTheSameValue(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	first := w.challenge(number)
	w.command(number, order.ChallengeResent{Actor: applicant})
	again := w.challenge(number)
	require.Equal(t, first.Token, again.Token)
	require.Equal(t, first.ExpiresAt, again.ExpiresAt, "its age goes on")
	require.Equal(t, 2, again.Sequence)
	for _, m := range w.mails(contactOf(first.Domain), "DNSレコードの登録", 2) {
		require.Contains(t, m.Text, first.Token)
	}
	w.complete(number)
}

func TestApprovalMailsSentAgainHoldNewLinksAndTheOldOnesAreDead(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVEmail)
	domain := w.challenge(number).Domain
	old := w.approvalLink(domain)
	w.command(number, order.ChallengeResent{Actor: applicant})
	mails := w.mails("admin@"+domain, approvalSubject, 2)
	fresh := linkIn(t, mails[1], "/approve/")
	require.NotEqual(t, old, fresh)
	status, _ := w.get(old)
	require.Equal(t, http.StatusGone, status)
	require.Error(t, w.tryDecide(w.ctx, old, "approve"))
	require.Equal(t, order.DomainValidation, w.status(number).State)
	w.decide(fresh, "approve")
	status, _ = w.get(fresh)
	require.Equal(t, http.StatusConflict, status, "a link decides once")
	w.phone(number)
	w.issuedOnce(number)
}

// TestADomainThatHasHadTooManyApprovalMailsHoldsNobodyUp: one coupon, used, cancelled and used again, comes to the limit.
func TestADomainThatHasHadTooManyApprovalMailsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVEmail)
	first := w.challenged(w.submit(form))
	domain := w.challenge(first).Domain
	w.command(first, order.ChallengeResent{Actor: applicant})
	w.command(first, order.ChallengeResent{Actor: applicant})
	require.Equal(t, "letter.too-often", w.refused(first, order.ChallengeResent{Actor: applicant}).Code)
	w.mails("admin@"+domain, approvalSubject, 3)
	w.command(first, order.OrderCancelled{Actor: applicant, Reason: "あとで申し込みます。"})
	w.awaitState(first, order.Cancelled)
	w.closed(first)

	form.Organization.Street = "1-2-4 Sample" // else it is the same form
	number := w.challenged(w.submit(form))
	require.NotEqual(t, first, number)
	m := w.mail(contactOf(domain), "承認メールをまだお送りできません")
	require.NotEmpty(t, linkIn(t, m, "/status/"))
	w.mails(contactOf(domain), "申請完了のご連絡", 2)
	st := w.status(number)
	require.Equal(t, "approval-mails", st.Awaited[0].Code)
	require.False(t, st.Challenge.MailsAfter.IsZero())
	w.listed(number, "WaitingOn = 'approval-mails' AND NeedsStaff = false")
	require.Equal(t, "letter.too-often", w.refused(number, order.ChallengeResent{Actor: applicant}).Code)
	require.True(t, w.command(number, numberVerified).Applied)
	require.True(t, w.command(number, order.DomainMethodChanged{Actor: applicant, Method: order.DCVTXT}).Applied)
	require.Equal(t, "letter.too-often", w.refused(number, order.DomainMethodChanged{Actor: applicant, Method: order.DCVEmail}).Code)
	require.Equal(t, "dns-record", w.status(number).Awaited[0].Code)
	w.prove(number)
	w.command(number, reached)
	w.command(number, confirmed)
	w.issuedOnce(number)
	w.closed(number)
	require.Len(t, w.received("admin@"+domain, approvalSubject), 3, "nobody at the domain was written to again")
}

func TestTheApprovalPageChangesNothingUntilItsFormIsSent(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVEmail)
	link := w.approvalLink(w.challenge(number).Domain)
	before := w.status(number)
	for range 3 { // a person, a prefetcher, a mail scanner
		status, page := w.get(link)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, string(page), before.Domain)
	}
	require.Equal(t, before.State, w.status(number).State)
	require.Zero(t, done(w.status(number), "domain-validated"))
	w.complete(number)
}

func TestADomainOwnersDenialEndsTheOrder(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVEmail)
	domain := w.challenge(number).Domain
	w.decide(w.approvalLink(domain), "deny")
	st := w.endedWithout(number, order.Rejected, "ドメインの管理者")
	require.Equal(t, 1, done(st, "domain-denied"))
	m := w.mail(contactOf(domain), "お受けできませんでした")
	require.Contains(t, m.Text, "ドメインの管理者")
}

func TestACheckByHandSaysWhatItSawAndNotTooOften(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t)
	number := w.polledOnce(w.order(order.DCVTXT))
	require.NoError(t, w.Lab.SetTXT(w.challenge(number).Domain, "something else"))
	out := w.command(number, order.DomainCheckNow{Actor: applicant})
	require.False(t, out.Found)
	require.Contains(t, out.Text.EN, "something else")
	require.Contains(t, out.Text.JA, "something else")
	require.Equal(t, out.Text, w.status(number).Challenge.LastFinding)
	require.Equal(t, "dcv.too-often", w.refused(number, order.DomainCheckNow{Actor: applicant}).Code)
}

func TestACheckByHandThatFindsTheValueCompletesTheDomain(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t)
	number := w.polledOnce(w.order(order.DCVCNAME))
	w.prove(number)
	out := w.command(number, order.DomainCheckNow{Actor: applicant})
	require.True(t, out.Found)
	require.Equal(t, order.OrganizationValidation, out.State)
	require.Equal(t, "dcv.done", w.refused(number, order.DomainCheckNow{Actor: applicant}).Code)
	w.complete(number)
}

func TestAnOperatorsResetOfThePollingActivityLooksAtOnceAndCostsNoEvent(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t)
	number := w.polledOnce(w.order(order.DCVTXT))
	checks, events := w.status(number).Challenge.Checks, len(w.history(number))
	w.resetPoll(number)
	w.await(number, "another look", func(st order.Status) bool { return st.Challenge.Checks == checks+1 })
	require.Len(t, w.history(number), events)
	w.prove(number)
	w.backingOff(number)
	w.resetPoll(number)
	w.awaitState(number, order.OrganizationValidation)
	w.complete(number)
}

// polledOnce waits until polling has looked once and waits for its next time, and nothing else is under way.
func (w *world) polledOnce(number string) string {
	w.t.Helper()
	w.await(number, "the first look", func(st order.Status) bool { return st.Challenge.Checks > 0 })
	w.backingOff(number)
	return number
}

// backingOff waits until polling is all that is left to do, and waits for its next time.
func (w *world) backingOff(number string) {
	w.t.Helper()
	w.until("polling to wait", func(ctx context.Context) error {
		d, err := w.temporal.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
		if err != nil {
			return err
		}
		left := d.GetPendingActivities()
		if len(left) != 1 || left[0].GetScheduledTime() == nil || left[0].GetLastFailure() == nil || d.GetPendingWorkflowTask() != nil {
			return fmt.Errorf("pending: %v, %v", left, d.GetPendingWorkflowTask())
		}
		return nil
	})
}

func (w *world) resetPoll(number string) {
	w.t.Helper()
	_, err := w.temporal.WorkflowService().ResetActivity(w.ctx, &workflowservice.ResetActivityRequest{
		Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: workflows.OrderID(number)},
		Activity: &workflowservice.ResetActivityRequest_Type{Type: "PollDomain"},
	})
	require.NoError(w.t, err)
}
