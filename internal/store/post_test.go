package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// asking is a letter that somebody asks for, with the link that it carries.
func (r *record) asking(number string) order.Letter {
	l := letter(number, order.LetterStatusLink, uuid.NewString(), r.tick())
	l.Links = []order.Link{statusLink(number)}
	return l
}

const aWhile = 10 * time.Minute

func (r *record) links() int { return one[int](r, `SELECT count(*) FROM links`) }

func TestALetterThatIsAskedForLiesThereWithItsLinks(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	l := r.asking(r.accepted())
	id, err := r.PostLetter(r.ctx(), l, applicant, aWhile)
	require.NoError(t, err)
	require.Equal(t, l.ID, id)
	got, err := r.Link(r.ctx(), l.Links[0].Hash)
	require.NoError(t, err)
	require.Equal(t, l.Links[0], got)
	st, err := r.Order(r.ctx(), l.Order)
	require.NoError(t, err)
	require.Equal(t, order.Event{At: l.CreatedAt, Actor: applicant, Action: "letter-asked", Detail: "kind=status-link"}, st.Timeline[len(st.Timeline)-1])

	_, err = r.PostLetter(r.ctx(), r.asking("1000000000"), applicant, aWhile)
	isFault(t, err, fault.NotFound, "order.unknown")
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

// TestAskingAgain: one mail in ten minutes, but the one whose delivery did not begin is handed out again.
func TestAskingAgain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	first, err := r.PostLetter(r.ctx(), r.asking(number), applicant, aWhile)
	require.NoError(t, err)
	r.unchanged(func() {
		again, err := r.PostLetter(r.ctx(), r.asking(number), applicant, aWhile)
		require.NoError(t, err)
		require.Equal(t, first, again, "the one that waits")
		require.Equal(t, 1, r.links(), "no link to a letter that was not written")
	})
	for _, state := range []order.LetterState{order.LetterSent, order.LetterFailed} {
		id, err := r.PostLetter(r.ctx(), r.asking(number), applicant, aWhile)
		require.NoError(t, err)
		require.NoError(t, r.LetterDone(r.ctx(), id, state, "", r.tick()))
		r.unchanged(func() {
			_, err = r.PostLetter(r.ctx(), r.asking(number), applicant, aWhile)
			isFault(t, err, fault.TooMany, "letter.too-often")
		})
		other := r.asking(number)
		other.Kind = order.LetterIssuedContact
		_, err = r.PostLetter(r.ctx(), other, applicant, time.Nanosecond)
		require.NoError(t, err, "each kind by itself")
		elsewhere, err := r.PostLetter(r.ctx(), r.asking(r.accepted()), applicant, aWhile)
		require.NoError(t, err, "each order by itself")
		require.NotEqual(t, id, elsewhere)
		r.later(aWhile)
	}
}

func TestAskingAtOnceIsOneLetter(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for _, err := range race(make([]struct{}, 20), func(struct{}) error {
		_, err := r.PostLetter(r.ctx(), r.asking(number), applicant, aWhile)
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, r.links())
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM letters WHERE kind = 'status-link'`))
}

func TestTheLinksOfALetterThatIsThereAlreadyAreDropped(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for range 2 {
		l := letter(number, order.LetterReminder, "1", r.tick())
		l.Links = []order.Link{statusLink(number)}
		require.NoError(t, r.RemindLetters(r.ctx(), []order.Letter{l}))
	}
	require.Equal(t, 1, r.links())
}

func TestAcceptKeepsTheLinkOfTheReceipt(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	sub := submission(r.vouchers(1)[0])
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	a := acceptance(number, sub, r.tick())
	a.Letters[0].Links = []order.Link{statusLink(number)}
	for range 2 {
		require.NoError(t, r.Accept(r.ctx(), a))
	}
	got, err := r.Link(r.ctx(), a.Letters[0].Links[0].Hash)
	require.NoError(t, err)
	require.Equal(t, a.Letters[0].Links[0], got)
}

// TestUndeliveredLettersAreSentAgain: those given up as they are, those refused with new links, and none that has arrived.
func TestUndeliveredLettersAreSentAgain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted() // with its receipt, which nobody has tried to send
	ids := map[order.LetterState]string{}
	for _, state := range []order.LetterState{order.LetterSent, order.LetterFailed} {
		l := letter(number, order.LetterInquiry, string(state), r.tick())
		_, err := r.PostLetter(r.ctx(), l, staff, 0)
		require.NoError(t, err)
		require.NoError(t, r.LetterDone(r.ctx(), l.ID, state, "550 no such user", r.tick()))
		ids[state] = l.ID
	}
	renewed := statusLink(number)
	renew := func(l order.Letter) (order.Letter, bool) {
		require.Equal(t, ids[order.LetterFailed], l.ID, "only what was refused has lost its links")
		require.Empty(t, l.Facts.Link)
		require.Equal(t, number, l.Facts.Number, "the rest of its facts is there")
		l.Facts.Link, l.Links = "https://portal.example.jp/new-link", []order.Link{renewed}
		return l, true
	}
	r.later(10 * time.Minute)
	fresh := letter(number, order.LetterRejected, "", r.tick())
	_, err := r.PostLetter(r.ctx(), fresh, staff, 0)
	require.NoError(t, err)
	at := r.tick()
	again, left, err := r.RepostLetters(r.ctx(), number, staff, at, renew)
	require.NoError(t, err)
	require.Len(t, again, 2)
	require.Equal(t, ids[order.LetterFailed], again[1])
	require.Zero(t, left)
	pending, err := r.PendingLetters(r.ctx(), number)
	require.NoError(t, err)
	require.NotContains(t, again, fresh.ID, "what was written a moment ago is on its way")
	require.Len(t, pending, 3)
	require.Equal(t, "https://portal.example.jp/secret-link", pending[0].Facts.Link)
	require.Equal(t, "https://portal.example.jp/new-link", pending[1].Facts.Link)
	_, err = r.Link(r.ctx(), renewed.Hash)
	require.NoError(t, err)
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, order.Event{At: at, Actor: staff, Action: "mail-resent", Detail: "letters=2"}, st.Timeline[len(st.Timeline)-1])

	_, _, err = r.RepostLetters(r.ctx(), "1000000000", staff, at, renew)
	isFault(t, err, fault.NotFound, "order.unknown")
}

func TestLettersThatCannotBeSentAgainAreCounted(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for _, key := range []string{"not renewed", "refused before facts were kept"} {
		l := letter(number, order.LetterDomainApproval, key, r.tick())
		_, err := r.PostLetter(r.ctx(), l, staff, 0)
		require.NoError(t, err)
		require.NoError(t, r.LetterDone(r.ctx(), l.ID, order.LetterFailed, "", r.tick()))
	}
	r.exec(`UPDATE letters SET facts = NULL WHERE key LIKE 'refused%'`)
	r.exec(`UPDATE letters SET state = 'sent', facts = NULL WHERE kind = 'receipt'`)
	r.unchanged(func() {
		again, left, err := r.RepostLetters(r.ctx(), number, staff, r.tick(), func(l order.Letter) (order.Letter, bool) { return l, false })
		require.NoError(t, err)
		require.Empty(t, again)
		require.Equal(t, 2, left)
	})
}
