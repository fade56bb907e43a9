package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

func (p *program) voucherRevoke() *cobra.Command {
	var actor, batch string
	c := &cobra.Command{
		Use:   "revoke CODE|ID|- | --batch ID",
		Short: "未使用のバウチャーを取り消す / Cancel unused vouchers",
		Long: `未使用のバウチャー1枚、または --batch でバッチの未使用分すべてを取り消します。使用済みのものは取り消せません。
Cancels one unused voucher, or with --batch every unused one of a batch. A used one cannot be cancelled.`,
		Example: `  starter voucher revoke - < code.txt
  starter voucher revoke --batch 6f1c2a3e-4c5d-4e6f-8a7b-9c0d1e2f3a4b`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (batch != "") {
				return wrongUsage("番号かID、または --batch のどちらか一方を指定してください。", "Name one voucher, or a batch with --batch.")
			}
			by, err := p.actor(actor)
			if err != nil {
				return err
			}
			if batch != "" {
				return p.revokeBatch(cmd.Context(), batch, by)
			}
			return p.revokeVoucher(cmd.Context(), args[0], by)
		},
	}
	c.Flags().StringVar(&batch, "batch", "", "バッチのID / id of a batch")
	c.Flags().StringVar(&actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	return c
}

func (p *program) revokeVoucher(ctx context.Context, arg, actor string) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		v, err := p.findVoucher(ctx, d.Records, d.Vouchers, arg)
		if err != nil {
			return err
		}
		if err := d.Records.RevokeVoucher(ctx, v.ID, actor); err != nil {
			return err
		}
		p.out.Println(p.say("取り消しました", "cancelled")+":", asciiMask(v.Masked), v.ID)
		return nil
	})
}

// revokeBatch cancels what is unused in a batch. A voucher that is used meanwhile stays used.
func (p *program) revokeBatch(ctx context.Context, batch, actor string) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		bar := cli.NewProgress(p.err, -1)
		defer bar.Done()
		bar.Say(p.say("取り消しています", "cancelling"))
		done := 0
		for after := ""; ; {
			vouchers, err := d.Records.Vouchers(ctx, store.VoucherFilter{Batch: batch, State: voucher.Unused, After: after})
			if err != nil {
				return err
			}
			if len(vouchers) == 0 {
				p.out.Println(p.say(fmt.Sprintf("%d枚を取り消しました。", done), fmt.Sprintf("%d vouchers cancelled.", done)))
				return nil
			}
			for _, v := range vouchers {
				switch err := d.Records.RevokeVoucher(ctx, v.ID, actor); fault.KindOf(err) {
				case "":
					done++
					bar.At(int64(done))
				case fault.Conflict: // used meanwhile
				default:
					return err
				}
				after = v.ID
			}
		}
	})
}
