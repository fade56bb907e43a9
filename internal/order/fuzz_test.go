package order

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func FuzzMailbox(f *testing.F) {
	for _, s := range []string{
		"info@example.jp", "Info@日本語.jp", "info@xn--wgv71a119e.jp", "ｉｎｆｏ＠ｅｘａｍｐｌｅ．ｊｐ", "a@[192.0.2.1]", "a@co.jp", "a@b@c.jp", "@", "\xff@x.jp",
		"a@\u00df.jp", "a@\u200d.jp",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMailbox(s)
		if err != nil {
			require.Len(t, brokenBy(t, err), 1)
			return
		}
		again, err := ParseMailbox(m.String())
		require.NoError(t, err)
		require.Equal(t, m, again)
		require.LessOrEqual(t, len(m.String()), maxEmail)
		require.Regexp(t, `^[!-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`, m.String())
	})
}

func FuzzCommand(f *testing.F) {
	for i, name := range CommandNames {
		f.Add(uint8(i), []byte(goodMessages[name]))
		f.Add(uint8(i), []byte(`{"actor":null}`))
	}
	f.Add(uint8(0), []byte(`null`))
	f.Add(uint8(0), []byte(`{"Actor":"staff/ops","actor":"\ud800"}`))
	f.Fuzz(func(t *testing.T, n uint8, message []byte) {
		name := CommandNames[int(n)%len(CommandNames)]
		c, err := DecodeCommand(name, message)
		if err != nil {
			require.Nil(t, c)
			brokenBy(t, err)
			require.True(t, utf8.ValidString(err.Error()))
			return
		}
		require.Equal(t, name, c.Name())
		require.NotEmpty(t, c.By())
		require.Empty(t, c.Check())
		data, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := DecodeCommand(name, data)
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}

func FuzzApplicationJSON(f *testing.F) {
	good, err := json.Marshal(form())
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Add([]byte(strings.ReplaceAll(string(good), "Tokyo", "Tоkyo")))
	f.Add([]byte(`{"organization":{"name":"\ud800"}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		a, err := DecodeApplication(message)
		if err != nil {
			brokenBy(t, err)
			return
		}
		for _, l := range []Limits{guide(), publicTrust()} {
			n, err := Validate(a, l)
			if err != nil {
				require.NotEmpty(t, brokenBy(t, err))
				continue
			}
			again, err := Validate(n.Application, l)
			require.NoError(t, err)
			require.Equal(t, n, again)
			require.Empty(t, CheckSubject(n.Application.Subject(), l))
		}
	})
}
