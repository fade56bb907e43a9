package main

import (
	"context"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

func (p *program) voucher() *cobra.Command {
	c := &cobra.Command{
		Use:     "voucher",
		GroupID: groupAuthority,
		Short:   "バウチャー/クーポンの発行と管理 / Issue and manage vouchers and coupons",
		Long: `番号はデータベースに保存されません (鍵付きハッシュのみ)。発行時に一度だけ表示されるCSVを保管してください。
Codes are not kept in the database, only their keyed hash. Keep the CSV that is printed once at issue.`,
	}
	c.AddCommand(p.voucherIssue(), p.voucherList(), p.voucherShow(), p.voucherRevoke(), p.voucherImport())
	return c
}

// japan is where vouchers are sold and expire; it has no summer time.
var japan = time.FixedZone("JST", 9*60*60)

// expiryOf reads the last day on which a voucher can be used, in Japan, and returns the moment after it.
func expiryOf(day string, now time.Time) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, japan)
	if err != nil {
		return time.Time{}, wrongUsage("期限は YYYY-MM-DD の形で指定してください。", "The expiry is a date such as 2027-03-31.")
	}
	end := t.AddDate(0, 0, 1)
	if !end.After(now) {
		return time.Time{}, wrongUsage("期限が過去の日付です。", "The expiry has passed already.")
	}
	return end, nil
}

// lastDay is the inverse of expiryOf.
func lastDay(expiry time.Time) string {
	return expiry.Add(-time.Nanosecond).In(japan).Format(time.DateOnly)
}

func checkYears(years int) error {
	if years != 1 && years != 2 {
		return wrongUsage("有効期間は1年または2年です (--years)。", "The validity is 1 or 2 years (--years).")
	}
	return nil
}

// checkReseller refuses what would not be a name, or would be a formula where the CSV is opened.
func checkReseller(name string) error {
	bad := strings.TrimSpace(name) == "" || len(name) > 200 || strings.ContainsAny(name[:1], "=+-@") || strings.ContainsFunc(name, unicode.IsControl)
	if bad {
		return wrongUsage("販売店名を指定してください (--reseller、先頭に = + - @ は不可)。", "Name the reseller (--reseller); the name cannot begin with = + - or @.")
	}
	return nil
}

// kindOf reads the value of --kind.
func kindOf(s string) (voucher.Kind, error) {
	for _, k := range voucher.Kinds {
		if s == string(k) {
			return k, nil
		}
	}
	return "", wrongUsage("--kind は coupon または voucher です。", "--kind is coupon or voucher.")
}

// codeOrInput reads a code from the argument, or one line of standard input for "-", which leaves no trace in the shell's history. Errors
// never repeat it.
func (p *program) codeOrInput(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	data, err := io.ReadAll(io.LimitReader(p.in, 1024))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	return line, nil
}

// vouchersBy is what looking up a voucher needs of the record.
type vouchersBy interface {
	Voucher(ctx context.Context, hash []byte) (voucher.Voucher, error)
	VoucherByID(ctx context.Context, id string) (voucher.Voucher, error)
}

// findVoucher finds a voucher by its id or by its code.
func (p *program) findVoucher(ctx context.Context, records vouchersBy, hasher voucher.Hasher, arg string) (voucher.Voucher, error) {
	text, err := p.codeOrInput(arg)
	if err != nil {
		return voucher.Voucher{}, err
	}
	if isUUID(text) {
		return records.VoucherByID(ctx, text)
	}
	code, err := voucher.Normalize(text)
	if err != nil {
		return voucher.Voucher{}, err
	}
	return records.Voucher(ctx, hasher.Hash(code))
}

// isUUID reports whether s is a voucher's or batch's id in canonical form, which no code has.
func isUUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

var voucherStates = map[voucher.State]fault.Text{
	voucher.Unused: {JA: "未使用", EN: "unused"}, voucher.Used: {JA: "使用済み", EN: "used"},
	voucher.Expired: {JA: "期限切れ", EN: "expired"}, voucher.Cancelled: {JA: "取消", EN: "cancelled"},
}

func (p *program) voucherState(s voucher.State) string {
	name := p.lang.Of(voucherStates[s])
	if s == voucher.Unused {
		return p.out.Green(name)
	}
	return p.out.Dim(name)
}
