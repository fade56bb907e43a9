package order

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
)

func TestAWishReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := RevocationWish{
			Issuer: rapid.StringMatching(`[0-9a-f]{16}`).Draw(t, "issuer"), Serial: rapid.StringMatching(`[1-9a-f][0-9a-f]{0,39}`).Draw(t, "serial"),
			Reason: rapid.SampledFrom(SubscriberReasons()).Draw(t, "reason"),
		}
		got, err := ParseRevocationWish(w.Text())
		require.NoError(t, err)
		require.Equal(t, w, got)
		got, err = ParseRevocationWish(strings.ReplaceAll(w.Text(), "\n", "\r\n"))
		require.NoError(t, err, "as a mail program sends lines")
		require.Equal(t, w, got)
	})
}

func FuzzRevocationWish(f *testing.F) {
	f.Add(RevocationWish{Issuer: "0123456789abcdef", Serial: "4a", Reason: ReasonSuperseded}.Text())
	f.Add("Secure Mail ID\nissuer: x\n")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseRevocationWish(text)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.Equal(t, strings.ReplaceAll(text, "\r\n", "\n"), w.Text(), "nothing else is in what was signed")
	})
}
