package store_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func (r *record) letterView(number string) order.LetterView {
	r.t.Helper()
	st, err := r.Order(r.ctx(), number)
	require.NoError(r.t, err)
	return st.Letters[0]
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	for _, final := range []order.LetterState{order.LetterSent, order.LetterFailed} {
		t.Run(string(final), func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			number := r.accepted()
			pending, err := r.PendingLetters(r.ctx(), number)
			require.NoError(t, err)
			id := pending[0].ID
			require.Equal(t, "https://portal.example.jp/secret-link", pending[0].Facts.Link)

			at := r.tick()
			lines := r.auditLines()
			for range 2 {
				require.NoError(t, r.LetterDone(r.ctx(), id, order.LetterPending, "451 later", at))
			}
			require.Equal(t, 1, r.letterView(number).Attempts, "the same attempt counts once")
			require.Equal(t, lines, r.auditLines())

			done := r.tick()
			require.NoError(t, r.LetterDone(r.ctx(), id, final, strings.Repeat("長", 1000), done))
			v := r.letterView(number)
			require.Equal(t, final, v.State)
			require.Equal(t, 2, v.Attempts)
			require.LessOrEqual(t, len([]rune(v.LastReply)), 301)
			require.Equal(t, final == order.LetterSent, !v.SentAt.IsZero())
			require.Equal(t, final == order.LetterSent, one[bool](r, `SELECT facts IS NULL FROM letters`), "a refused letter may be sent again")
			require.Zero(t, one[int](r, `SELECT count(*) FROM letters WHERE facts::text LIKE '%secret-link%'`), "a secret link stays no longer than it must")
			pending, err = r.PendingLetters(r.ctx(), number)
			require.NoError(t, err)
			require.Empty(t, pending)

			r.unchanged(func() {
				for _, s := range []order.LetterState{order.LetterSent, order.LetterFailed, order.LetterPending} {
					require.NoError(t, r.LetterDone(r.ctx(), id, s, "zombie", r.tick()))
				}
			})
			require.Equal(t, v, r.letterView(number), "what is final stays")
			for _, s := range []order.LetterState{order.LetterSent, order.LetterPending} {
				isFault(t, r.LetterDone(r.ctx(), uuid.NewString(), s, "", r.tick()), fault.NotFound, "letter.unknown")
			}
		})
	}
}

func TestPendingLettersOldestFirst(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	at := r.tick()
	for _, key := range []string{"b", "a", "c"} { // of one instant: the order of writing
		require.NoError(t, r.RemindLetters(r.ctx(), []order.Letter{letter(number, order.LetterReminder, key, at)}))
	}
	pending, err := r.PendingLetters(r.ctx(), number)
	require.NoError(t, err)
	var keys []string
	for _, l := range pending {
		keys = append(keys, l.Key)
	}
	require.Equal(t, []string{"", "b", "a", "c"}, keys)
}

func TestRemindLetters(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	open, ended := r.accepted(), r.inState(order.Cancelled)
	count := func() int { return one[int](r, `SELECT count(*) FROM letters WHERE kind = 'reminder'`) }
	remind := func(key string, numbers ...string) error {
		var ls []order.Letter
		for _, n := range numbers {
			ls = append(ls, letter(n, order.LetterReminder, key, r.tick()))
		}
		return r.RemindLetters(r.ctx(), ls)
	}
	require.NoError(t, remind("1", open, ended))
	require.Equal(t, 1, count(), "an order that has ended is not reminded of")
	r.unchanged(func() { require.NoError(t, remind("1", open)) })
	require.Equal(t, 1, count(), "one letter for each (order, kind, key)")
	isFault(t, remind("2", "1000000000"), fault.NotFound, "order.unknown")
	require.NoError(t, r.RemindLetters(r.ctx(), nil))
}
