package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

// notice is a letter to the holder of a certificate, with a link to the page of its order.
func notice(request string, c order.Certificate, to string, at time.Time) (order.Letter, string) {
	token := secret.Token()
	l := letter(request, order.LetterReissueNotice, to, at)
	l.Recipient = to
	l.Links = []order.Link{{ID: uuid.NewString(), Hash: secret.Hash(token), Order: c.Order, Purpose: order.LinkStatus, Recipient: to, ExpiresAt: at.AddDate(0, 0, 180)}}
	return l, token
}

func TestTheHolderIsToldWithTheAcceptance(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	number, err := r.reserveReissue(requestFor(c))
	require.NoError(t, err)
	found, err := r.Candidates(r.ctx(), number)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "tech@example.co.jp", found[0].Application.TechnicalContact.Email, "as stored with the original")

	sub, err := r.Submission(r.ctx(), number)
	require.NoError(t, err)
	a := acceptance(number, sub, r.tick())
	l, token := notice(number, c, "holder@example.co.jp", a.At)
	a.Letters = append(a.Letters, l)
	require.NoError(t, r.Accept(r.ctx(), a))
	pending, err := r.PendingLetters(r.ctx(), number)
	require.NoError(t, err)
	require.Len(t, pending, 2, "delivered with the receipt")
	link, err := r.Link(r.ctx(), secret.Hash(token))
	require.NoError(t, err)
	require.Equal(t, c.Order, link.Order, "the letter of one order carries a link of another")

	twin, _ := notice(number, c, "holder@example.co.jp", r.tick())
	later, _ := notice(number, c, "second@example.co.jp", r.tick())
	approved := true
	_, err = r.RecordCommand(r.ctx(), number, order.ReviewDecided{Actor: by(), Approved: &approved}, r.tick(), []order.Letter{twin, later})
	require.NoError(t, err)
	pending, err = r.PendingLetters(r.ctx(), number)
	require.NoError(t, err)
	require.Len(t, pending, 3, "who has been told is not told again")
	require.Equal(t, "second@example.co.jp", pending[2].Recipient)
}

func TestAReissueIsAskedForFiveTimesADay(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c, other := r.issued(), r.issued()
	late, err := r.reserveReissue(requestFor(c))
	require.NoError(t, err)
	for range 5 {
		number := r.inReview(requestFor(c))
		require.NoError(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
	}
	_, err = r.reserveReissue(requestFor(c))
	isFault(t, err, fault.TooMany, "reissue.too-often")
	isFault(t, r.acceptReissue(late), fault.TooMany, "reissue.too-often")
	r.inReview(requestFor(other))
	r.later(24 * time.Hour)
	require.NoError(t, r.acceptReissue(late), "the next day")
}

func TestAnOrderShowsWhatItsCertificatesAreReissuedBy(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	end := time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC)
	a, b := r.issuedUntil(end), r.issuedUntil(end)
	first := r.inReview(requestFor(a))
	require.NoError(t, r.Close(r.ctx(), first, order.Rejected, staff, "", r.tick(), nil))
	second := r.inReview(byAddress(requestFor(a), "info@example.co.jp"))
	shown := func(c order.Certificate) (out []order.ReissueOf) {
		st, err := r.Order(r.ctx(), c.Order)
		require.NoError(t, err)
		for _, of := range st.Reissues {
			require.False(t, of.AskedAt.IsZero())
			of.AskedAt = time.Time{}
			out = append(out, of)
		}
		return out
	}
	ended := order.ReissueOf{Number: first, State: order.Rejected}
	require.Equal(t, []order.ReissueOf{ended, {Number: second, State: order.Review, Undecided: true, Holds: true}}, shown(a))
	require.Equal(t, []order.ReissueOf{{Number: second, State: order.Review, Undecided: true, Holds: true}}, shown(b))
	_, err := r.approve(second, b.Serial)
	require.NoError(t, err)
	require.Equal(t, []order.ReissueOf{ended}, shown(a), "another one was chosen")
	require.Equal(t, []order.ReissueOf{{Number: second, State: order.DomainValidation, Holds: true}}, shown(b))
}
