package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

// issue issues a batch by the command and returns its lines without the head.
func (c *counter) issue(kind string, count string) [][]string {
	c.t.Helper()
	out := c.ok("voucher", "issue", "--kind", kind, "--years", "1", "--count", count, "--reseller", "Sample Sales K.K.", "--expires", "2027-03-31")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(c.t, err)
	require.Equal(c.t, csvHead, rows[0])
	return rows[1:]
}

func TestVouchersArePrintedOnceAndKeptHashed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for _, kind := range []string{"coupon", "voucher"} {
		rows := c.issue(kind, "20")
		require.Len(t, rows, 20)
		for _, row := range rows {
			code, err := voucher.Normalize(row[0])
			require.NoError(t, err)
			require.Equal(t, []string{code.Grouped(), kind, "1", "2027-03-31", "Sample Sales K.K."}, row[:5])
			v, err := c.Records.Voucher(t.Context(), c.Vouchers.Hash(code))
			require.NoError(t, err)
			require.Equal(t, row[5], v.ID)
			require.Equal(t, time.Date(2027, 3, 31, 15, 0, 0, 0, time.UTC), v.ExpiresAt, "the end of the day in Japan")
		}
	}
	list := c.ok("voucher", "list")
	require.Contains(t, list, "Sample Sales K.K.")
	require.Contains(t, list, "2027-03-31")
}

// A code that was never seen must be revocable: the batch is named where the output is lost.
func TestCodesThatCouldNotBePrintedNameTheirBatch(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	p := newProgram(strings.NewReader(""), brokenPipe{}, new(bytes.Buffer), func(string) string { return "" }, c.clock)
	b, err := p.batch(issueOptions{kind: "coupon", years: 1, count: 1, reseller: "Sample", expires: "2027-03-31", actor: "staff/ops"})
	require.NoError(t, err)
	codes, vouchers, err := draw(b, c.Vouchers)
	require.NoError(t, err)
	require.Error(t, p.printCodes(b, codes, vouchers))
	require.ErrorIs(t, p.out.Err(), errPipe)
}

var errPipe = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestVoucherIssueRefuses(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	good := map[string]string{"--kind": "coupon", "--years": "1", "--count": "1", "--reseller": "Sample", "--expires": "2027-03-31"}
	for _, row := range []struct{ why, flag, value string }{
		{"a kind that does not exist", "--kind", "gift"},
		{"three years", "--years", "3"},
		{"no vouchers", "--count", "0"},
		{"too many", "--count", "10001"},
		{"no reseller", "--reseller", " "},
		{"a formula for the reader's spreadsheet", "--reseller", "=1+1"},
		{"a reseller with a control character", "--reseller", "Sample\x1b[2J"},
		{"yesterday", "--expires", "2026-11-20"},
		{"no date", "--expires", "next year"},
	} {
		args := []string{"voucher", "issue"}
		for flag, value := range good {
			if flag == row.flag {
				value = row.value
			}
			args = append(args, flag, value)
		}
		require.Equal(t, exitInput, c.run("", args...).code, row.why)
	}
	batches, err := c.Records.Batches(t.Context())
	require.NoError(t, err)
	require.Empty(t, batches)
}

func TestVoucherShowFindsByCodeIDAndInput(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	row := c.issue("voucher", "1")[0]
	for why, r := range map[string]ran{
		"by its code":                            c.run("", "voucher", "show", row[0], "--json"),
		"by its id":                              c.run("", "voucher", "show", row[5], "--json"),
		"by standard input, as people write it":  c.run(strings.ToLower(row[0])+"\n", "voucher", "show", "-", "--json"),
		"by standard input, without the hyphens": c.run(strings.ReplaceAll(row[0], "-", ""), "voucher", "show", "-", "--json"),
	} {
		require.Equal(t, exitDone, r.code, "%s: %s", why, r.err)
		var v voucherView
		require.NoError(t, json.Unmarshal([]byte(r.out), &v))
		require.Equal(t, voucherView{ID: row[5], Batch: v.Batch, Masked: v.Masked, Kind: voucher.VoucherCode, Years: 1, State: voucher.Unused, LastDay: "2027-03-31"}, v, why)
		require.NotContains(t, r.out, strings.ReplaceAll(row[0], "-", ""))
	}
	require.Contains(t, c.ok("voucher", "show", row[5]), "****", "masked in plain characters")
	for _, wrong := range []string{strings.Repeat("0", 16), strings.Repeat("1", 16), row[0] + "9"} {
		r := c.run(wrong, "voucher", "show", "-")
		require.NotEqual(t, exitDone, r.code)
		require.NotContains(t, r.err, wrong, "a code is never echoed")
	}
}

func TestVoucherRevoke(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	rows := c.issue("coupon", "5")
	require.Contains(t, c.run(rows[0][0], "voucher", "revoke", "-").out, rows[0][5])
	require.Equal(t, exitInput, c.run("", "voucher", "revoke").code, "nothing is named")
	batch := c.batchOf(rows[0][5])
	require.Equal(t, exitInput, c.run("", "voucher", "revoke", rows[1][5], "--batch", batch).code, "both are named")
	require.Contains(t, c.ok("voucher", "revoke", "--batch", batch), "4 vouchers cancelled")
	require.Contains(t, c.ok("voucher", "revoke", "--batch", batch), "0 vouchers cancelled", "a repeat finds nothing left")
	require.Equal(t, 5, strings.Count(c.ok("voucher", "list", "--batch", batch, "--state", "cancelled"), "2027-03-31"))

	used := c.voucher()
	require.Equal(t, exitDone, c.run(c.orderText(used), "submit", "-f", "-").code)
	r := c.run(used.Reveal(), "voucher", "revoke", "-")
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.err, "voucher.used")
}

// batchOf returns the batch of a voucher.
func (c *counter) batchOf(id string) string {
	c.t.Helper()
	v, err := c.Records.VoucherByID(c.t.Context(), id)
	require.NoError(c.t, err)
	return v.Batch
}

func TestVoucherListPages(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	batch := c.batchOf(c.issue("coupon", "5")[0][5])
	seen := map[string]bool{}
	for after := ""; ; {
		var page []voucherView
		require.NoError(t, json.Unmarshal([]byte(c.ok("voucher", "list", "--batch", batch, "--limit", "2", "--after", after, "--json")), &page))
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			require.False(t, seen[v.ID])
			seen[v.ID], after = true, v.ID
		}
	}
	require.Len(t, seen, 5)
	require.Equal(t, exitInput, c.run("", "voucher", "list", "--state", "lost").code)
}

func TestVoucherImportTakesOverWhatIssuePrints(t *testing.T) {
	t.Parallel()
	c, other := newCounter(t), newCounter(t)
	file := "\xef\xbb\xbf" + c.ok("voucher", "issue", "--kind", "voucher", "--years", "2", "--count", "3", "--reseller", "Sample Sales K.K.", "--expires", "2027-03-31")
	require.Contains(t, other.run(file, "voucher", "import", "-f", "-").out, "3 taken over, 0 were known")
	require.Contains(t, other.run(file, "voucher", "import", "-f", "-").out, "0 taken over, 3 were known", "it may be run again")
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	require.Contains(t, other.run(rows[1][0], "voucher", "show", "-").out, "2 year(s)")
}

func TestVoucherImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	good, err := voucher.Generate(voucher.Coupon, strings.NewReader(strings.Repeat("7", 64)))
	require.NoError(t, err)
	for _, row := range []struct{ why, file, says string }{
		{"no head", good.Reveal() + ",1,2027-03-31,Sample\n", "line"},
		{"a column missing", "code,years,expires\n" + good.Reveal() + ",1,2027-03-31\n", "reseller"},
		{"a column twice", "code,code,years,expires,reseller\n", "Column 2"},
		{"a wrong check character", "code,years,expires,reseller\n" + good.Reveal() + ",1,2027-03-31,Sample\n1234567890123456,1,2027-03-31,Sample\n", "line 3"},
		{"years as a word", "code,years,expires,reseller\n" + good.Reveal() + ",one,2027-03-31,Sample\n", "line 2"},
		{"an expiry in the past", "code,years,expires,reseller\n" + good.Reveal() + ",1,2020-03-31,Sample\n", "line 2"},
		{"a field too many", "code,years,expires,reseller\n" + good.Reveal() + ",1,2027-03-31,Sample,x\n", "line 2"},
		{"nothing", "", "columns"},
	} {
		r := c.run(row.file, "voucher", "import", "-f", "-")
		require.Equal(t, exitInput, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.NotContains(t, r.err, good.Reveal(), "a code is never echoed")
		require.NotContains(t, r.err, "1234567890123456", "a code is never echoed")
	}
	batches, err := c.Records.Batches(t.Context())
	require.NoError(t, err)
	require.Empty(t, batches)
}

// An import file is read or refused line by line, and no code of it is repeated.
func FuzzVoucherImport(f *testing.F) {
	for _, seed := range []string{"", "code,years,expires,reseller\n0000000000000000,1,2027-03-31,Sample\n", "code\n", "\"", "code,years,expires,reseller\n,,,\n", "\xef\xbb\xbfcode,years,expires,reseller,id,kind\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := readVouchers(data, noon)
		if err == nil {
			for _, l := range lines {
				if l.code.Reveal() == "" || l.years == 0 || l.reseller == "" {
					t.Fatalf("an incomplete line was taken: %+v", l)
				}
			}
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("not a fault of kind Invalid: %v", err)
		}
	})
}
