package dcv_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/order"
)

func TestTokensAreLongEnoughAndFitTheirPlace(t *testing.T) {
	t.Parallel()
	const char = `[2-9a-hj-kmnp-z]`
	for method, shape := range map[order.DCVMethod]string{
		order.DCVTXT:   `^` + char + `{32}$`,
		order.DCVFile:  `^` + char + `{32}$`,
		order.DCVCNAME: `^_` + char + `{32}$`, // A10; a DNS label of at most 63, lower case
	} {
		token, err := dcv.NewToken(method, rand.Reader)
		require.NoError(t, err)
		require.Regexp(t, shape, token)
		require.LessOrEqual(t, len(token), 63)
	}
	require.GreaterOrEqual(t, 32*math.Log2(31), 128.0)
}

func TestEmailHasNoToken(t *testing.T) {
	t.Parallel()
	token, err := dcv.NewToken(order.DCVEmail, iotest.ErrReader(errors.New("not to be read")))
	require.NoError(t, err)
	require.Empty(t, token)
}

func TestABrokenRandomSourceGivesNoToken(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]*bytes.Reader{
		"runs dry":           bytes.NewReader(make([]byte, 8)),
		"only skipped bytes": bytes.NewReader(bytes.Repeat([]byte{0xff}, 1000)),
	} {
		token, err := dcv.NewToken(order.DCVTXT, source)
		require.Error(t, err, name)
		require.Empty(t, token, name)
	}
	_, err := dcv.NewToken("carrier-pigeon", rand.Reader)
	require.Error(t, err)
}

// Every character of the alphabet turns up about equally often: skipping unfair bytes works.
func TestTokenCharactersAreUniform(t *testing.T) {
	t.Parallel()
	const tokens = 4000
	count := map[rune]int{}
	for range tokens {
		token, err := dcv.NewToken(order.DCVTXT, rand.Reader)
		require.NoError(t, err)
		for _, r := range token {
			count[r]++
		}
	}
	require.Len(t, count, 31)
	expected := float64(tokens*32) / 31
	for r, n := range count {
		require.InDelta(t, expected, n, expected*0.12, "character %q", r)
	}
}

// Two sources that differ give two tokens that differ, whatever else they hold.
func TestTokensComeFromTheSource(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fair := rapid.SliceOfN(rapid.ByteRange(0, 30), 64, 64)
		a, b := fair.Draw(t, "a"), fair.Draw(t, "b")
		x, err := dcv.NewToken(order.DCVFile, bytes.NewReader(a))
		require.NoError(t, err)
		y, err := dcv.NewToken(order.DCVFile, bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, bytes.Equal(a[:32], b[:32]), x == y)
		require.Equal(t, strings.ToLower(x), x)
	})
}
