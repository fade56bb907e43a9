package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// letter returns the order's only letter of a kind.
func letter(t *testing.T, st order.Status, kind order.LetterKind) order.LetterView {
	t.Helper()
	var found []order.LetterView
	for _, l := range st.Letters {
		if l.Kind == kind {
			found = append(found, l)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func TestAMailRefusedForGoodIsShownAndTheOrderGoesOn(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	w.Mailbox.Refuse(form.TechnicalContact.Email, 550)
	number := w.challenged(w.submit(form))
	w.prove(number)
	w.phone(number)
	w.awaitState(number, order.Issued)
	w.mail(form.CertificateEmail, "発行のお知らせ")
	w.closed(number)
	st := w.status(number)
	for _, kind := range []order.LetterKind{order.LetterReceipt, order.LetterChallenge, order.LetterIssuedContact} {
		l := letter(t, st, kind)
		require.Equal(t, order.LetterFailed, l.State, kind)
		require.Contains(t, l.LastReply, "550", kind)
		require.Equal(t, 1, l.Attempts, kind)
	}
	require.Equal(t, order.LetterSent, letter(t, st, order.LetterIssuedCertificate).State)
	require.Equal(t, 3, done(st, "letter-failed"))
}

func TestAMailDeferredForAWhileIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	w.Mailbox.Defer(form.TechnicalContact.Email, 451, 2)
	number := w.challenged(w.submit(form))
	w.mail(form.TechnicalContact.Email, "申請完了")
	w.complete(number)
	st := w.status(number)
	require.Greater(t, letter(t, st, order.LetterReceipt).Attempts, 1)
	require.Equal(t, order.LetterSent, letter(t, st, order.LetterReceipt).State)
	require.Len(t, w.received(form.TechnicalContact.Email, "申請完了"), 1)
}

func TestAMailWhoseAcknowledgementWasLostIsRepeatedUnderItsMessageID(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	w.Mailbox.DropReply(form.TechnicalContact.Email, 1)
	number := w.challenged(w.submit(form))
	mails := w.mails(form.TechnicalContact.Email, "申請完了", 2)
	require.Equal(t, mails[0].MessageID, mails[1].MessageID)
	w.complete(number)
}
