package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/order"
)

func TestWhatIsNewAboutAChallenge(t *testing.T) {
	t.Parallel()
	value := func(m order.DCVMethod, token string) *order.ChallengeView {
		return &order.ChallengeView{Method: m, Token: token}
	}
	for _, row := range []struct {
		say    string
		before *order.ChallengeView
		now    dcv.Challenge
		want   order.News
	}{
		{"the first", nil, dcv.Challenge{Method: order.DCVTXT, Token: "a"}, order.NewsFirst},
		{"another value of the same method", value(order.DCVTXT, "a"), dcv.Challenge{Method: order.DCVTXT, Token: "b"}, order.NewsReplaced},
		{"the same value again", value(order.DCVFile, "a"), dcv.Challenge{Method: order.DCVFile, Token: "a"}, order.NewsResent},
		{"another method", value(order.DCVTXT, "a"), dcv.Challenge{Method: order.DCVFile, Token: "b"}, order.NewsMethod},
		{"another method than e-mail, which has no value", value(order.DCVEmail, ""), dcv.Challenge{Method: order.DCVCNAME, Token: "b"}, order.NewsMethod},
	} {
		require.Equal(t, row.want, newsOf(row.now, row.before), row.say)
	}
}

func TestWhatAChangeOfMethodChanges(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	open := order.ChallengeView{Method: order.DCVTXT, ExpiresAt: at.Add(time.Hour)}
	for _, row := range []struct {
		say    string
		change func(*order.ChallengeView)
		method order.DCVMethod
		want   bool
	}{
		{"nothing, to the present method", func(*order.ChallengeView) {}, order.DCVTXT, true},
		{"another method", func(*order.ChallengeView) {}, order.DCVFile, false},
		{"a value that has aged", func(c *order.ChallengeView) { c.ExpiresAt = at }, order.DCVTXT, false},
		{"one that was replaced", func(c *order.ChallengeView) { c.EndedAt = at }, order.DCVTXT, false},
		{"one that was found: the record says what follows", func(c *order.ChallengeView) { c.SatisfiedAt = at }, order.DCVTXT, false},
	} {
		c := open
		row.change(&c)
		require.Equal(t, row.want, standsFor(&c, row.method, at), row.say)
	}
	require.False(t, standsFor(nil, order.DCVTXT, at), "the first one")
}
