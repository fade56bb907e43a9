package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

type voucherListOptions struct {
	batch, state, order, after string
	limit                      int
	json                       bool
}

func (p *program) voucherList() *cobra.Command {
	var o voucherListOptions
	c := &cobra.Command{
		Use:   "list",
		Short: "バッチの一覧、またはバウチャーの一覧 / List batches, or the vouchers of one",
		Example: `  starter voucher list
  starter voucher list --batch 6f1c… --state unused
  starter voucher list --order 1234567890`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.json = o.json
			if o.batch == "" && o.state == "" && o.order == "" {
				return p.listBatches(cmd.Context())
			}
			return p.listVouchers(cmd.Context(), o)
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.batch, "batch", "", "バッチのID / id of a batch")
	flags.StringVar(&o.state, "state", "", "状態 / state: unused, used, expired, cancelled")
	flags.StringVar(&o.order, "order", "", "使用したオーダー / the order that used it")
	flags.StringVar(&o.after, "after", "", "このIDの次から / those after this id")
	flags.IntVar(&o.limit, "limit", 100, "件数 (最大1000) / number of vouchers, at most 1000")
	flags.BoolVar(&o.json, "json", false, "JSONで表示 / print JSON")
	completeWords(c, "state", "unused", "used", "expired", "cancelled")
	return c
}

// batchView is a batch as "voucher list --json" prints it.
type batchView struct {
	ID        string                `json:"id"`
	Reseller  string                `json:"reseller"`
	Kind      voucher.Kind          `json:"kind"`
	Years     int                   `json:"years"`
	Count     int                   `json:"count"`
	States    map[voucher.State]int `json:"states"`
	LastDay   string                `json:"last_day"`
	CreatedAt time.Time             `json:"created_at"`
	CreatedBy string                `json:"created_by"`
}

func (p *program) listBatches(ctx context.Context) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		batches, err := d.Records.Batches(ctx)
		if err != nil {
			return err
		}
		views := make([]batchView, len(batches))
		for i, b := range batches {
			views[i] = batchView{b.ID, b.Reseller, b.Kind, b.ValidityYears, b.Count, b.States, lastDay(b.ExpiresAt), b.CreatedAt, b.CreatedBy}
		}
		if p.json {
			return p.printJSON(views)
		}
		t := cli.Table{Head: []string{p.say("バッチ", "batch"), p.say("販売店", "reseller"), p.say("種類", "kind"), p.say("年", "years"), p.say("枚数", "count"),
			p.lang.Of(voucherStates[voucher.Unused]), p.lang.Of(voucherStates[voucher.Used]), p.lang.Of(voucherStates[voucher.Expired]),
			p.lang.Of(voucherStates[voucher.Cancelled]), p.say("期限", "last day")}}
		for _, v := range views {
			n := func(s voucher.State) string { return fmt.Sprint(v.States[s]) }
			t.Add(v.ID, cli.Plain(v.Reseller), string(v.Kind), fmt.Sprint(v.Years), fmt.Sprint(v.Count), n(voucher.Unused), n(voucher.Used),
				n(voucher.Expired), n(voucher.Cancelled), v.LastDay)
		}
		t.Print(p.out)
		return nil
	})
}

func (o voucherListOptions) filter() (store.VoucherFilter, error) {
	f := store.VoucherFilter{Batch: o.batch, State: voucher.State(o.state), Order: o.order, After: o.after, Limit: o.limit}
	switch {
	case o.state != "" && !slices.Contains(voucher.States, f.State):
		return f, wrongUsage("--state は unused、used、expired、cancelled のいずれかです。", "--state is unused, used, expired or cancelled.")
	case o.limit < 1 || o.limit > 1000:
		return f, wrongUsage("--limit は1から1000です。", "--limit is 1 to 1000.")
	}
	return f, nil
}

func (p *program) listVouchers(ctx context.Context, o voucherListOptions) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		vouchers, err := d.Records.Vouchers(ctx, f)
		if err != nil {
			return err
		}
		views := make([]voucherView, len(vouchers))
		for i, v := range vouchers {
			views[i] = viewVoucher(v, p.clock())
		}
		if p.json {
			return p.printJSON(views)
		}
		t := cli.Table{Head: []string{"ID", p.say("番号", "code"), p.say("種類", "kind"), p.say("年", "years"), p.say("状態", "state"), p.say("期限", "last day"), p.say("オーダー", "order")}}
		for _, v := range views {
			t.Add(v.ID, asciiMask(v.Masked), string(v.Kind), fmt.Sprint(v.Years), p.voucherState(v.State), v.LastDay, v.Order)
		}
		t.Print(p.out)
		if len(views) == o.limit {
			p.err.Println(p.say("続き", "next page") + ": " + "--after " + views[len(views)-1].ID)
		}
		return nil
	})
}

// asciiMask draws the masked form in characters that every terminal gives one column.
func asciiMask(masked string) string { return strings.ReplaceAll(masked, "•", "*") }
