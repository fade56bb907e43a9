package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// ends is a record of certificates that end; it keeps the letters and posts.
type ends struct {
	due     []order.Expiring
	asked   []order.ExpiryQuery
	letters []order.Letter
	posted  []string
	cut     int // the record fails once so many letters are written
}

func (e *ends) ExpiringCertificates(_ context.Context, q order.ExpiryQuery) ([]order.Expiring, error) {
	e.asked = append(e.asked, q)
	return e.due, nil
}

func (e *ends) RemindExpiry(_ context.Context, _ order.Expiring, letters []order.Letter, _ time.Time) ([]string, error) {
	if e.cut > 0 && len(e.letters) >= e.cut {
		return nil, errors.New("cut off")
	}
	e.letters = append(e.letters, letters...)
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids, nil
}

func (e *ends) Post(_ context.Context, _, letter string) error {
	e.posted = append(e.posted, letter)
	return nil
}

func remind(t *testing.T, e *ends) (ExpiryResult, error) {
	t.Helper()
	book, _ := policy.Open(policy.Guide)
	r := &Reminding{Records: e, Poster: e, Policy: book, Addresses: Addresses{PublicURL: "https://id.example.jp"}, Clock: func() time.Time { return now }}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(r)
	value, err := env.ExecuteActivity(r.RemindExpiry, ExpiryInput{})
	if err != nil {
		return ExpiryResult{}, err
	}
	var out ExpiryResult
	require.NoError(t, value.Get(&out))
	return out, nil
}

func expiring(contact string) order.Expiring {
	st := sampleOrder()
	st.Application.TechnicalContact.Email = contact
	return order.Expiring{Order: st.Number, Sequence: 1, Serial: "5a", NotAfter: now.Add(7*24*time.Hour - time.Hour), Days: 7, Domain: st.Domain, Application: st.Application}
}

func TestBothRecipientsGetALetterOfTheirOwn(t *testing.T) {
	t.Parallel()
	e := &ends{due: []order.Expiring{expiring("tech@example.co.jp")}}
	out, err := remind(t, e)
	require.NoError(t, err)
	require.Equal(t, ExpiryResult{Certificates: 1, Letters: 2}, out)
	require.Equal(t, []int{60, 30, 14, 7, 1}, e.asked[0].Milestones)
	contact, address := e.letters[0], e.letters[1]
	require.Equal(t, []string{contact.ID, address.ID}, e.posted)
	require.Equal(t, []string{"tech@example.co.jp", "info@example.co.jp"}, []string{contact.Recipient, address.Recipient})
	require.Equal(t, "Tantou Gijutsu", contact.Facts.ContactName)
	require.Empty(t, address.Facts.ContactName)
	require.NotEqual(t, contact.Key, address.Key)
	for _, l := range e.letters {
		require.Equal(t, order.LetterExpiryReminder, l.Kind)
		require.Equal(t, 7, l.Facts.DaysLeft)
		require.Len(t, l.Links, 2)
		form, stop := l, l
		form.Links, stop.Links = l.Links[:1], l.Links[1:]
		until := e.due[0].NotAfter.Add(30 * 24 * time.Hour)
		opens(t, form, l.Facts.Link, "/renew/", order.LinkRenewal, until)
		opens(t, stop, l.Facts.StopLink, "/stop/", order.LinkStopReminders, until)
	}
}

func TestOneMailboxGetsOneLetter(t *testing.T) {
	t.Parallel()
	e := &ends{due: []order.Expiring{expiring("INFO@example.co.jp")}}
	_, err := remind(t, e)
	require.NoError(t, err)
	require.Len(t, e.letters, 1)
	require.Equal(t, "Tantou Gijutsu", e.letters[0].Facts.ContactName)
}

func TestAFullPageHasANextOne(t *testing.T) {
	t.Parallel()
	e := &ends{}
	for range remindPage {
		e.due = append(e.due, expiring("tech@example.co.jp"))
	}
	out, err := remind(t, e)
	require.NoError(t, err)
	require.Equal(t, e.due[remindPage-1].Mark(), *out.Next)
	require.Equal(t, remindPage, e.asked[0].Limit)
}

// TestWhatWasWrittenBeforeAFailureIsOnItsWay: a repeat does not find those letters again.
func TestWhatWasWrittenBeforeAFailureIsOnItsWay(t *testing.T) {
	t.Parallel()
	e := &ends{due: []order.Expiring{expiring("tech@example.co.jp"), expiring("tech@example.co.jp")}, cut: 2}
	_, err := remind(t, e)
	require.Error(t, err)
	require.Len(t, e.posted, 2)
}
