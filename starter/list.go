package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/order"
)

type listOptions struct {
	state, domain, before string
	needsStaff, json      bool
	limit                 int
}

func (p *program) list() *cobra.Command {
	var o listOptions
	c := &cobra.Command{
		Use:     "list",
		GroupID: groupStaff,
		Short:   "オーダーの一覧 / List orders",
		Long: `オーダーを新しい順に表示します。続きは表示される --before を付けて実行します。
Lists orders, newest first. The next page is asked for by the --before that is printed at the end.`,
		Example: `  starter list --needs-staff
  starter list --state domain-validation --domain example.jp
  starter list --json --limit 500`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.json = o.json
			return p.listOrders(cmd.Context(), o)
		},
	}
	states := make([]string, len(order.States))
	for i, s := range order.States {
		states[i] = string(s)
	}
	flags := c.Flags()
	flags.StringVar(&o.state, "state", "", "状態 / state: "+strings.Join(states, ", "))
	flags.StringVar(&o.domain, "domain", "", "メールアドレスのドメイン / domain of the certificate address")
	flags.BoolVar(&o.needsStaff, "needs-staff", false, "認証担当者の作業があるもののみ (早めに行える電話を含む) / only those in which staff have something to do, calls that may be made early included")
	flags.IntVar(&o.limit, "limit", 50, "件数 (最大1000) / number of orders, at most 1000")
	flags.StringVar(&o.before, "before", "", "この番号より古いもの / those older than this order")
	flags.BoolVar(&o.json, "json", false, "JSONで表示 / print JSON")
	completeWords(c, "state", states...)
	return c
}

func (o listOptions) filter() (order.Filter, error) {
	f := order.Filter{State: order.State(o.state), NeedsStaff: o.needsStaff, Limit: o.limit, Before: o.before}
	if o.state != "" && !slices.Contains(order.States, f.State) {
		return f, wrongUsage("--state の値が正しくありません。", "There is no such --state.")
	}
	if o.limit < 1 || o.limit > 1000 {
		return f, wrongUsage("--limit は1から1000です。", "--limit is 1 to 1000.")
	}
	if o.domain != "" {
		domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(o.domain, "."))
		if err != nil {
			return f, wrongUsage("--domain がドメイン名ではありません。", "--domain is not a domain name.")
		}
		f.Domain = domain
	}
	return f, nil
}

func (p *program) listOrders(ctx context.Context, o listOptions) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	f.Limit++ // one more shows whether there is a next page
	return p.atDesk(ctx, func(d *app.Desk) error {
		orders, err := d.Records.Orders(ctx, f)
		if err != nil {
			return err
		}
		more := len(orders) > o.limit
		orders = orders[:min(len(orders), o.limit)]
		if p.json {
			return p.printJSON(page{Orders: orders, Next: next(orders, more)})
		}
		p.orderTable(orders)
		if more {
			p.err.Println(p.say("続き", "next page") + ": " + "--before " + next(orders, more))
		}
		return nil
	})
}

// page is what list --json prints.
type page struct {
	Orders []order.Summary `json:"orders"`
	Next   string          `json:"next,omitempty"` // for --before; empty on the last page
}

func next(orders []order.Summary, more bool) string {
	if !more || len(orders) == 0 {
		return ""
	}
	return orders[len(orders)-1].Number
}

func (p *program) orderTable(orders []order.Summary) {
	if len(orders) == 0 {
		p.err.Println(p.say("該当するオーダーはありません。", "No orders."))
		return
	}
	t := cli.Table{Head: []string{p.say("番号", "number"), p.say("状態", "state"), p.say("開始", "since"), p.say("期限", "deadline"), p.say("ドメイン", "domain"), p.say("待ち", "awaited")}}
	for _, o := range orders {
		awaited := p.awaitedShort(o.Awaited)
		if o.NeedsStaff {
			awaited = p.out.Yellow(awaited)
		}
		deadline := p.at(o.DeadlineAt)
		if o.State.Final() {
			deadline = "-"
		}
		t.Add(o.Number, p.state(o.State), p.at(o.StateSince), deadline, cli.Plain(o.Domain), awaited)
	}
	t.Print(p.out)
}

// awaitedNames are short names in Japanese of what is awaited; in English the codes are words enough.
var awaitedNames = map[string]string{
	"blocked": "発行停止の解決", "inquiry-answer": "お問い合わせへの回答", "review": "内容確認", "domain-approval": "ドメイン承認", "approval-mails": "承認メールの再送", "file": "認証ファイル",
	"dns-record": "DNSレコード", "phone-number": "電話番号確認", "reuse-confirmation": "申請責任者の確認", "phone-reach": "取次ぎ", "phone-confirm": "本人確認", "issuance": "発行",
}

// awaitedShort is what an order waits for, in one cell.
func (p *program) awaitedShort(all []order.Awaited) string {
	var ja, en []string
	for _, a := range all {
		ja, en = append(ja, cmp.Or(awaitedNames[a.Code], cli.Plain(a.Text.JA))), append(en, a.Code)
	}
	return p.say(strings.Join(ja, "、"), strings.Join(en, ", "))
}
