package main

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// put lays a letter into the outbox of the order and returns its id.
func (c *counter) put(number string, kind order.LetterKind) string {
	c.t.Helper()
	l := order.Letter{ID: uuid.NewString(), Order: number, Kind: kind, Key: uuid.NewString(), Recipient: "tech@example.jp", Language: order.Japanese,
		Facts: order.Facts{Number: number, StatusLink: "https://id.example.jp/status/secret"}, CreatedAt: c.tick()}
	_, err := c.Records.PostLetter(c.t.Context(), l, "applicant", 0)
	require.NoError(c.t, err)
	return l.ID
}

func TestMailResend(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	require.Contains(t, c.run("", "mail", "resend", number).err, "Every mail of this order has been delivered or is on its way")

	givenUp, refused, approval, sent := c.put(number, order.LetterReceipt), c.put(number, order.LetterInquiry), c.put(number, order.LetterDomainApproval), c.put(number, order.LetterReminder)
	c.later(10 * time.Minute)
	for id, state := range map[string]order.LetterState{givenUp: order.LetterPending, refused: order.LetterFailed, approval: order.LetterFailed, sent: order.LetterSent} {
		require.NoError(t, c.Records.LetterDone(t.Context(), id, state, "", c.tick()))
	}
	c.lost = fault.New(fault.Unavailable, "engine.unavailable", "停止中。", "Down.")
	require.Equal(t, exitUnavailable, c.run("", "mail", "resend", number).code)
	c.lost = nil
	out := c.ok("mail", "resend", number)
	require.Contains(t, out, "2 mail(s) on their way again.")
	require.Contains(t, out, "1 cannot be sent again")
	require.Equal(t, []string{givenUp, refused}, c.post, "oldest first")

	pending, err := c.Records.PendingLetters(t.Context(), number)
	require.NoError(t, err)
	require.Len(t, pending, 2)
	require.Equal(t, "https://id.example.jp/status/secret", pending[0].Facts.StatusLink, "a letter that was given up keeps its link")
	require.NotEqual(t, pending[0].Facts.StatusLink, pending[1].Facts.StatusLink, "a refused one has a new one")
	require.Contains(t, pending[1].Facts.StatusLink, "https://id.example.jp/status/")
	require.Contains(t, c.ok("status", number), "undelivered mails sent again  staff/ops")
	require.Equal(t, exitInput, c.run("", "mail", "resend", number, "--actor", "applicant").code)
	require.Equal(t, exitRefused, c.run("", "mail", "resend", "1000000000").code)
}
