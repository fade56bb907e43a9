package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func TestSubmitPrintsNumberAndWhatHappensNext(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	file := filepath.Join(t.TempDir(), "order.yaml")
	require.NoError(t, os.WriteFile(file, []byte(c.orderText(c.voucher())), 0o600))
	out := c.ok("submit", "-f", file)
	require.Regexp(t, `Order number: [1-9][0-9]{9}\n`, out)
	require.Contains(t, out, "TXT record", "the next step is that of the chosen method")
	require.Contains(t, c.ok("submit", "-f", file), "had been accepted before")
	orders, err := c.Records.Orders(t.Context(), order.Filter{})
	require.NoError(t, err)
	require.Len(t, orders, 1, "the same file twice is one order")
}

func TestSubmitSpeaksTheLanguageOfTheLocale(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	text := c.orderText(c.voucher())
	for lang, says := range map[string]string{"ja_JP.UTF-8": "オーダー番号:", "en_GB.UTF-8": "Order number:", "C": "オーダー番号 / Order number:"} {
		c.env["LANG"] = lang
		require.Contains(t, c.run(text, "submit", "-f", "-").out, says, lang)
	}
	require.Contains(t, c.run(text, "submit", "-f", "-", "--lang", "ja").out, "この申請は受付済みです\n", "--lang wins")
}

func TestSubmitTakesTheCSRFromAFile(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	request, err := testRequest()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "request.csr")
	require.NoError(t, os.WriteFile(file, []byte(request), 0o600))
	text := c.orderText(c.voucher())
	r := c.run(text, "submit", "-f", "-", "--csr", file)
	require.Equal(t, exitInput, r.code, "two CSRs are refused: which one would be certified?")
	start, end := strings.Index(text, "\ncsr: |"), strings.Index(text, "\n# 証明書を利用するメールアドレス")
	r = c.run(text[:start]+text[end:], "submit", "-f", "-", "--csr", file)
	require.Equal(t, exitDone, r.code, r.err)
}

// The exit codes are an API for scripts; --help documents them.
func TestSubmitExitCodes(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	used := c.voucher()
	require.Equal(t, exitDone, c.run(c.orderText(used), "submit", "-f", "-").code)
	unknown := strings.Repeat("0", 32)
	for _, row := range []struct {
		why, stdin string
		args       []string
		lost       error
		code       int
		says       string
	}{
		{"no file named", "", []string{"submit"}, nil, exitInput, "-f"},
		{"a file that is not there", "", []string{"submit", "-f", "/nonexistent/order.yaml"}, nil, exitInput, "cannot be opened"},
		{"a misspelt key", "organisation:\n", []string{"submit", "-f", "-"}, nil, exitInput, "organisation (line 1)"},
		{"a flag that does not exist", "", []string{"submit", "--form", "x"}, nil, exitInput, "--help"},
		{"an argument too many", "", []string{"submit", "order.yaml"}, nil, exitInput, "--help"},
		{"a malformed voucher", strings.Replace(c.orderText(used), used.Grouped(), "1234-5678", 1), []string{"submit", "-f", "-"}, nil, exitInput, "voucher (line 14)"},
		{"a voucher that nobody issued", strings.Replace(c.orderText(used), used.Grouped(), unknown, 1), []string{"submit", "-f", "-"}, nil, exitRefused, "voucher.unknown"},
		{"a used voucher", strings.Replace(c.orderText(used), "city: Chiyoda-ku", "city: Minato-ku", 1), []string{"submit", "-f", "-"}, nil, exitRefused, "voucher.used"},
		{"an engine that does not answer", c.orderText(c.voucher()), []string{"submit", "-f", "-"},
			fault.New(fault.Unavailable, "engine.unavailable", "接続できません。", "It does not answer."), exitUnavailable, "Repeating the same"},
		{"a defect", c.orderText(c.voucher()), []string{"submit", "-f", "-"}, os.ErrPermission, exitInternal, "permission"},
	} {
		c.lost = row.lost
		r := c.run(row.stdin, row.args...)
		require.Equal(t, row.code, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.Empty(t, r.out, "%s: nothing but the error is said", row.why)
		require.NotContains(t, r.err, used.Reveal(), "a code is never echoed")
		require.NotContains(t, r.err, used.Grouped(), "a code is never echoed")
	}
}

func TestSubmitAnswersProgramsInJSON(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.run(c.orderText(c.voucher()), "submit", "-f", "-", "--json", "--key", "batch-7/1")
	var receipt order.Receipt
	require.NoError(t, json.Unmarshal([]byte(r.out), &receipt))
	require.False(t, receipt.Repeated)

	r = c.run("organisation:\n", "submit", "-f", "-", "--json")
	require.Equal(t, exitInput, r.code)
	var refused struct{ Error fault.Error }
	require.NoError(t, json.Unmarshal([]byte(r.err), &refused), r.err)
	require.Equal(t, "unknown-key", refused.Error.Fields[0].Code)
	require.NotEmpty(t, refused.Error.Fields[0].Rule.JA, "programs get both languages")
}

func TestInterruptedCommandSaysNothing(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := c.start(ctx, c.orderText(c.voucher()), "submit", "-f", "-")
	require.Equal(t, exitInterrupted, r.code)
	require.Empty(t, r.err)
}

// Without an answer in time the person is told that the order may exist, not that it failed.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	err := late(ctx, ctx.Err())
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	refused := fault.New(fault.Conflict, "order.state", "不可", "no")
	require.Equal(t, error(refused), late(ctx, refused), "an answer is an answer, however late")
}

// What the command line names and cannot be read or written is the input's fault, said in both languages.
func TestPathsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	for _, args := range [][]string{
		{"submit", "-f", t.TempDir()},
		{"submit", "-f", "/missing/order.yaml"},
		{"download", number, "--out", "/missing"},
		{"download", number, "--out", "/dev/null", "--force"},
	} {
		r := c.run("", append(args, "--lang", "both")...)
		require.Equal(t, exitInput, r.code, "%v: %s", args, r.err)
		require.Contains(t, r.err, "ファイルを", args)
		require.Contains(t, r.err, "The file cannot be", args)
	}
}

func TestUnknownCommandsAreAnsweredInBothLanguages(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.env["LANG"] = "C"
	near := c.run("", "sumbit")
	require.Equal(t, exitInput, near.code)
	require.Contains(t, near.err, "「sumbit」というコマンドはありません。もしかして: submit")
	require.Contains(t, near.err, `There is no command "sumbit". Did you mean: submit`)
	far := c.run("", "xyzzy")
	require.Contains(t, far.err, "一覧")
	require.Contains(t, far.err, "--help lists them")
}

func TestReissueByOrderFileSaysWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.run(strings.Replace(c.orderText(c.voucher()), "type: new", "type: reissue", 1), "submit", "-f", "-", "--lang", "both")
	require.Equal(t, exitInput, r.code)
	require.Contains(t, r.err, "「starter reissue -f」")
	require.Contains(t, r.err, "starter template --reissue")
}
