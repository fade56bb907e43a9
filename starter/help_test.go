package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpSpeaksTheLanguageThatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for _, args := range [][]string{{}, {"csr"}, {"voucher"}, {"voucher", "issue"}, {"reissue"}, {"ca"}, {"revoke"}} {
		en := c.ok(append(args, "--help", "--lang", "en")...)
		require.False(t, strings.ContainsFunc(en, isJapaneseRune), "%v: %s", args, en)
		require.Contains(t, en, "\nUsage:\n")
		ja := c.ok(append(args, "--help", "--lang", "ja")...)
		require.Contains(t, ja, "\n使い方:\n")
		require.NotContains(t, ja, " / ")
		both := c.ok(append(args, "--lang", "both", "--help")...)
		require.Contains(t, both, "\n使い方 / Usage:\n")
	}
	en, ja := c.ok("csr", "--help", "--lang", "en"), c.ok("csr", "--help", "--lang", "ja")
	require.Contains(t, en, `file for the CSR (default "request.csr")`)
	require.Contains(t, ja, `CSRのファイル (default "request.csr")`)
	for _, help := range []string{en, ja} {
		require.Contains(t, help, "  openssl pkcs8 -topk8", "a command line belongs to both")
	}
	require.Contains(t, c.ok("--help", "--lang", "en"), "  2  the input or the command line is wrong")
	require.Contains(t, c.ok("--help", "--lang", "ja"), "  2  入力の誤り")
}
