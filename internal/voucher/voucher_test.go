package voucher

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
)

func generate(t testing.TB, kind Kind) Code {
	t.Helper()
	c, err := Generate(kind, rand.Reader)
	require.NoError(t, err)
	return c
}

// codeOf returns the code of the one broken rule, or "" without an error.
func codeOf(t require.TestingT, err error) string {
	if err == nil {
		return ""
	}
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, fault.Invalid, f.Kind)
	require.Len(t, f.Fields, 1)
	require.Equal(t, Path, f.Fields[0].Path)
	require.NotEmpty(t, f.Fields[0].Rule.JA+f.Fields[0].Rule.EN)
	require.NotEmpty(t, f.Fields[0].Remedy.JA+f.Fields[0].Remedy.EN)
	return f.Fields[0].Code
}

// Codes made with 123456789012345 and with every character of the alphabet but the last; their check characters were worked out apart
// from this package, from Damm's table and as a sum of powers of x.
const (
	coupon = "1234567890123450"
	code   = "0123456789ABCDEFGHJKMNPQRSTVWXYD"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in, out string
		kind    Kind
		refused string
	}{
		"coupon as printed":                         {in: coupon, out: coupon, kind: Coupon},
		"coupon in groups":                          {in: "1234-5678-9012-3450", out: coupon, kind: Coupon},
		"coupon in full-width digits and blanks":    {in: "１２３４　５６７８　９０１２　３４５０", out: coupon, kind: Coupon},
		"coupon with the long-vowel mark as hyphen": {in: "1234ー5678ｰ9012−3450", out: coupon, kind: Coupon},
		"code as printed":                           {in: code, out: code, kind: VoucherCode},
		"code in lower case":                        {in: strings.ToLower(code), out: code, kind: VoucherCode},
		"code in full-width letters":                {in: "０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＭＮＰＱＲＳＴＶＷＸＹＤ", out: code, kind: VoucherCode},
		"code over two lines":                       {in: code[:16] + "\r\n" + code[16:] + "\n", out: code, kind: VoucherCode},
		"nothing":                                   {in: "", refused: "required"},
		"separators only":                           {in: " -　－ ", refused: "required"},
		"one digit short":                           {in: coupon[1:], refused: "voucher.length"},
		"one digit more":                            {in: coupon + "0", refused: "voucher.length"},
		"one character short":                       {in: code[1:], refused: "voucher.length"},
		"beyond any length":                         {in: strings.Repeat("-", maxInput) + coupon, refused: "voucher.length"},
		"letter in a coupon":                        {in: "123456789012345O", refused: "voucher.character"},
		"letter O in a code":                        {in: "O" + code[1:], refused: "voucher.character"},
		"letter U in a code":                        {in: "U" + code[1:], refused: "voucher.character"},
		"Arabic-Indic digits":                       {in: "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٠", refused: "voucher.character"},
		"long s, which Unicode upper-cases to S":    {in: strings.Replace(code, "S", "ſ", 1), refused: "voucher.character"},
		"zero-width space within":                   {in: coupon[:15] + "\u200b", refused: "voucher.character"},
		"not UTF-8":                                 {in: coupon[:15] + "\xff", refused: "voucher.character"},
		"null character":                            {in: coupon[:15] + "\x00", refused: "voucher.character"},
		"wrong digit":                               {in: "1234567890123451", refused: "voucher.check"},
		"two digits swapped":                        {in: "2134567890123450", refused: "voucher.check"},
		"wrong character":                           {in: "1" + code[1:], refused: "voucher.check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Normalize(row.in)
			require.Equal(t, row.refused, codeOf(t, err))
			require.Equal(t, row.out, c.Reveal())
			require.Equal(t, row.kind, c.Kind())
		})
	}
}

func anyCode(t *rapid.T) Code {
	seed := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "random bytes")
	c, err := Generate(rapid.SampledFrom(Kinds).Draw(t, "kind"), io.MultiReader(bytes.NewReader(seed), rand.Reader))
	require.NoError(t, err)
	return c
}

func letters(k Kind) string {
	if k == Coupon {
		return alphabet[:10]
	}
	return alphabet
}

func TestGeneratedCodesAreValidHoweverTyped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCode(t)
		typed := c.Grouped()
		if rapid.Bool().Draw(t, "lower case") {
			typed = strings.ToLower(typed)
		}
		for _, form := range []string{c.Reveal(), typed, " " + strings.ReplaceAll(typed, "-", "　")} {
			got, err := Normalize(form)
			require.NoError(t, err)
			require.Equal(t, c, got)
		}
	})
}

func TestEveryWrongCharacterIsDetected(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCode(t)
		typed := []byte(c.Reveal())
		for i, right := range typed {
			for _, wrong := range []byte(letters(c.Kind())) {
				if wrong == right {
					continue
				}
				typed[i] = wrong
				_, err := Normalize(string(typed))
				require.Equal(t, "voucher.check", codeOf(t, err), "%s", typed)
			}
			typed[i] = right
		}
	})
}

func TestEverySwapOfNeighboursIsDetected(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typed := []byte(anyCode(t).Reveal())
		for i := range len(typed) - 1 {
			if typed[i] == typed[i+1] {
				continue
			}
			typed[i], typed[i+1] = typed[i+1], typed[i]
			_, err := Normalize(string(typed))
			require.Equal(t, "voucher.check", codeOf(t, err), "%s", typed)
			typed[i], typed[i+1] = typed[i+1], typed[i]
		}
	})
}

func TestGenerateReportsItsTroubles(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		_, err := Generate(kind, iotest.ErrReader(errors.New("no entropy")))
		require.ErrorContains(t, err, "no entropy")
	}
	_, err := Generate("token", rand.Reader)
	require.ErrorContains(t, err, "unknown kind")
}

func TestGenerateDrawsDistinctCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		for _, kind := range Kinds {
			c := generate(t, kind)
			require.False(t, seen[c.Reveal()])
			seen[c.Reveal()] = true
		}
	}
}

func TestCodesDoNotLeakWhenPrinted(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		c := generate(t, kind)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("redeem", "voucher", c)
		for _, printed := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %q", c, c, c), log.String()} {
			require.NotContains(t, printed, c.Reveal())
			require.Contains(t, printed, c.Reveal()[len(c.Reveal())-4:])
		}
	}
	require.Empty(t, Code{}.String())
}

func TestHasher(t *testing.T) {
	t.Parallel()
	_, err := NewHasher(make([]byte, MinKey-1))
	require.ErrorIs(t, err, ErrShortKey)

	key := bytes.Repeat([]byte{7}, MinKey)
	h, err := NewHasher(key)
	require.NoError(t, err)
	a, b := generate(t, Coupon), generate(t, VoucherCode)
	require.Len(t, h.Hash(a), 32)
	typed, err := Normalize(a.Grouped())
	require.NoError(t, err)
	require.Equal(t, h.Hash(a), h.Hash(typed), "one code has one hash however it is typed, or it would not be found again")
	require.NotEqual(t, h.Hash(a), h.Hash(b))

	before := h.Hash(a)
	key[0] = 8
	require.Equal(t, before, h.Hash(a), "the hasher keeps its own copy of the key")
	other, err := NewHasher(key)
	require.NoError(t, err)
	require.NotEqual(t, before, other.Hash(a), "without the key a stolen table cannot be searched")
}

func TestStateAt(t *testing.T) {
	t.Parallel()
	expiry := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		stored State
		at     time.Time
		want   State
	}{
		"unused before its expiry":      {Unused, expiry.Add(-time.Nanosecond), Unused},
		"unused at its expiry":          {Unused, expiry, Expired},
		"used stays used for ever":      {Used, expiry.AddDate(9, 0, 0), Used},
		"cancelled stays cancelled too": {Cancelled, expiry.AddDate(9, 0, 0), Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, Voucher{State: row.stored, ExpiresAt: expiry}.StateAt(row.at))
		})
	}
}

func FuzzVoucher(f *testing.F) {
	for _, s := range []string{coupon, code, "1234-5678-9012-3450", "１２３４　５６７８　９０１２　３４５０", "", "\xff", strings.ToLower(code)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Normalize(s)
		if err != nil {
			require.NotEmpty(t, codeOf(t, err))
			require.Equal(t, Code{}, c)
			return
		}
		again, err := Normalize(c.Grouped())
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
