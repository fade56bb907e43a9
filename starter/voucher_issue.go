package main

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

// maxBatch bounds a batch.
const maxBatch = 10000

type issueOptions struct {
	kind, reseller, expires, actor string
	years, count                   int
}

func (p *program) voucherIssue() *cobra.Command {
	var o issueOptions
	c := &cobra.Command{
		Use:   "issue --kind coupon|voucher --years 1|2 --count N --reseller NAME --expires DATE",
		Short: "発行し、番号のCSVを一度だけ出力 / Issue a batch and print its codes once as CSV",
		Long: `番号は標準出力に一度だけCSVで出力され、後から取り出すことはできません。期限は日本時間のその日の終わりまでです。
番号は4桁ごとに「-」で区切って出力します (表計算ソフトで桁が失われません)。申請時は「-」の有無を問いません。
The codes are printed once, as CSV, and can never be read again. The expiry is the last day on which they can be used, in Japan. Codes
are grouped by hyphens, so that spreadsheets keep every digit; forms take them with or without.`,
		Example: `  starter voucher issue --kind voucher --years 1 --count 100 --reseller "Sample Sales K.K." --expires 2027-12-31 > batch.csv`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.issueVouchers(cmd.Context(), o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.kind, "kind", "", "coupon (16桁) または voucher (32文字) / coupon (16 digits) or voucher (32 characters)")
	flags.IntVar(&o.years, "years", 0, "証明書の有効期間 1または2 / validity of the certificate, 1 or 2")
	flags.IntVar(&o.count, "count", 0, "枚数 (最大10000) / number of codes, at most 10000")
	flags.StringVar(&o.reseller, "reseller", "", "販売店 / reseller")
	flags.StringVar(&o.expires, "expires", "", "使用期限 YYYY-MM-DD / last day of use")
	flags.StringVar(&o.actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	completeWords(c, "kind", string(voucher.Coupon), string(voucher.VoucherCode))
	return c
}

func (p *program) issueVouchers(ctx context.Context, o issueOptions) error {
	b, err := p.batch(o)
	if err != nil {
		return err
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		codes, vouchers, err := draw(b, d.Vouchers)
		if err != nil {
			return err
		}
		if err := d.Records.CreateBatch(ctx, b, vouchers, b.CreatedBy); err != nil {
			return err
		}
		if err := p.printCodes(b, codes, vouchers); err != nil {
			return fault.New(fault.Internal, "voucher.not-printed",
				"番号を出力できませんでした。「starter voucher revoke --batch "+b.ID+"」で取り消し、発行し直してください。",
				"The codes could not be printed. Revoke them by \"starter voucher revoke --batch "+b.ID+"\" and issue anew.").Because(err)
		}
		p.err.Println(p.say(fmt.Sprintf("%d枚を発行しました。バッチ: %s", b.Count, b.ID), fmt.Sprintf("%d codes issued, batch %s", b.Count, b.ID)))
		return nil
	})
}

// batch checks the options.
func (p *program) batch(o issueOptions) (voucher.Batch, error) {
	now := p.clock()
	kind, err := kindOf(o.kind)
	if err != nil {
		return voucher.Batch{}, err
	}
	if err := checkYears(o.years); err != nil {
		return voucher.Batch{}, err
	}
	if o.count < 1 || o.count > maxBatch {
		return voucher.Batch{}, wrongUsage("--count は1から10000です。", "--count is 1 to 10000.")
	}
	if err := checkReseller(o.reseller); err != nil {
		return voucher.Batch{}, err
	}
	expires, err := expiryOf(o.expires, now)
	if err != nil {
		return voucher.Batch{}, err
	}
	actor, err := p.actor(o.actor)
	return voucher.Batch{
		ID: uuid.NewString(), Reseller: o.reseller, Kind: kind, ValidityYears: o.years, Count: o.count,
		ExpiresAt: expires, CreatedAt: now, CreatedBy: actor,
	}, err
}

// draw makes the codes of a batch and what the record keeps of them.
func draw(b voucher.Batch, hasher voucher.Hasher) ([]voucher.Code, []voucher.Voucher, error) {
	codes, vouchers := make([]voucher.Code, b.Count), make([]voucher.Voucher, b.Count)
	for i := range codes {
		code, err := voucher.Generate(b.Kind, rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		codes[i], vouchers[i] = code, voucherOf(b, code, hasher)
	}
	return codes, vouchers, nil
}

func voucherOf(b voucher.Batch, code voucher.Code, hasher voucher.Hasher) voucher.Voucher {
	return voucher.Voucher{
		ID: uuid.NewString(), Batch: b.ID, Hash: hasher.Hash(code), Masked: code.String(), Kind: code.Kind(),
		ValidityYears: b.ValidityYears, State: voucher.Unused, CreatedAt: b.CreatedAt, ExpiresAt: b.ExpiresAt,
	}
}

// csvHead is the first line of what issue prints and import reads.
var csvHead = []string{"code", "kind", "years", "expires", "reseller", "id"}

func (p *program) printCodes(b voucher.Batch, codes []voucher.Code, vouchers []voucher.Voucher) error {
	w := csv.NewWriter(p.out)
	_ = w.Write(csvHead) // the writer keeps its error for the end
	for i, code := range codes {
		_ = w.Write([]string{code.Grouped(), string(b.Kind), strconv.Itoa(b.ValidityYears), lastDay(b.ExpiresAt), b.Reseller, vouchers[i].ID})
	}
	w.Flush()
	return w.Error()
}
