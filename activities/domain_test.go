package activities

import (
	"testing"

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
