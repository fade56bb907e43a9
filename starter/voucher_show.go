package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/voucher"
)

// voucherView is a voucher as commands print it; it holds no code.
type voucherView struct {
	ID          string        `json:"id"`
	Batch       string        `json:"batch"`
	Masked      string        `json:"masked"`
	Kind        voucher.Kind  `json:"kind"`
	Years       int           `json:"years"`
	State       voucher.State `json:"state"`
	LastDay     string        `json:"last_day"`
	Order       string        `json:"order,omitempty"`
	UsedAt      time.Time     `json:"used_at,omitzero"`
	CancelledAt time.Time     `json:"cancelled_at,omitzero"`
}

func viewVoucher(v voucher.Voucher, now time.Time) voucherView {
	return voucherView{
		ID: v.ID, Batch: v.Batch, Masked: v.Masked, Kind: v.Kind, Years: v.ValidityYears, State: v.StateAt(now),
		LastDay: lastDay(v.ExpiresAt), Order: v.Order, UsedAt: v.UsedAt, CancelledAt: v.CancelledAt,
	}
}

func (p *program) voucherShow() *cobra.Command {
	c := &cobra.Command{
		Use:   "show CODE|ID|-",
		Short: "バウチャーの状態を表示 / Show one voucher",
		Long: `番号またはIDで1枚の状態を表示します。「-」は番号を標準入力から読み、シェルの履歴に残しません。
Shows one voucher by its code or id. With - the code is read from standard input and leaves no trace in the shell's history.`,
		Example: `  starter voucher show - < code.txt
  starter voucher show 0b9c2a3e-4c5d-4e6f-8a7b-9c0d1e2f3a4b`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.showVoucher(cmd.Context(), args[0]) },
	}
	c.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) showVoucher(ctx context.Context, arg string) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		found, err := p.findVoucher(ctx, d.Records, d.Vouchers, arg)
		if err != nil {
			return err
		}
		v := viewVoucher(found, p.clock())
		if p.json {
			return p.printJSON(v)
		}
		p.out.Println(p.out.Bold(asciiMask(v.Masked)), p.voucherState(v.State))
		p.fact("ID", "id", v.ID)
		p.fact("バッチ", "batch", v.Batch)
		p.fact("種類", "kind", string(v.Kind))
		p.fact("有効期間", "validity", p.say(fmt.Sprintf("%d年", v.Years), fmt.Sprintf("%d year(s)", v.Years)))
		p.fact("使用期限", "last day of use", v.LastDay)
		if v.Order != "" {
			p.fact("オーダー", "order", v.Order+" ("+p.at(v.UsedAt)+")")
		}
		if !v.CancelledAt.IsZero() {
			p.fact("取消日時", "cancelled", p.at(v.CancelledAt))
		}
		return nil
	})
}
