package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/order"
)

func (p *program) status() *cobra.Command {
	var watch, asJSON bool
	var every time.Duration
	c := &cobra.Command{
		Use:     "status ORDER",
		GroupID: groupApplicant,
		Short:   "申請の状況を表示 / Show where an order stands",
		Long: `申請の段階、誰の何を待っているか、次回の確認、届かなかったメール、証明書、履歴を表示します。Temporalが停止中でも使えます。
Shows the stage of an order, what is awaited from whom, the next check, mails that failed, certificates and history. Works
without Temporal.`,
		Example: `  starter status 1234567890
  starter status 1234567890 --watch
  starter status 1234567890 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.json = asJSON
			if watch {
				return p.watch(cmd.Context(), args[0], every)
			}
			s, err := p.order(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.show(s)
		},
	}
	flags := c.Flags()
	flags.BoolVarP(&watch, "watch", "w", false, "終了まで表示を更新 / keep showing it until the order has ended")
	flags.DurationVar(&every, "every", 2*time.Second, "--watch の更新間隔 / interval of --watch")
	flags.BoolVar(&asJSON, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) show(s order.Status) error {
	if p.json {
		return p.printJSON(s)
	}
	p.statusPage(s)
	return nil
}

// watch shows the order until it has ended: repainted on a terminal, elsewhere one line whenever something has changed.
func (p *program) watch(ctx context.Context, arg string, every time.Duration) error {
	number, err := orderNumber(arg)
	if err != nil {
		return err
	}
	if every < 100*time.Millisecond {
		return wrongUsage("--every は100ms以上です。", "--every is 100ms or more.")
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		painter := cli.NewPainter(p.out)
		defer painter.Close()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for seen := -1; ; {
			s, err := d.Records.Order(ctx, number)
			switch {
			case err != nil:
				return err
			case s.State.Final():
				painter.Close()
				return p.last(s, seen)
			}
			if seen, err = p.look(painter, s, seen); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
}

// look shows a status while the order goes on; seen is how many events were shown before.
func (p *program) look(painter *cli.Painter, s order.Status, seen int) (int, error) {
	switch {
	case p.out.Terminal && !p.json:
		painter.Paint(p.rendered(s))
	case len(s.Timeline) == seen:
	case p.json:
		return len(s.Timeline), p.printJSON(s)
	default:
		p.news(s, seen)
	}
	return len(s.Timeline), nil
}

// last shows the end of an order: everything on a terminal, elsewhere what is new.
func (p *program) last(s order.Status, seen int) error {
	if p.out.Terminal || p.json {
		return p.show(s)
	}
	p.news(s, seen)
	return nil
}

// rendered is the status page as text for the painter.
func (p *program) rendered(s order.Status) string {
	var page bytes.Buffer
	copied := *p
	copied.out = p.out.To(&page)
	copied.statusPage(s)
	footer := fmt.Sprintf("%s  %s", p.at(p.clock()), p.say("Ctrl-C で終了", "Ctrl-C ends this"))
	return page.String() + "\n" + p.out.Dim(footer)
}

// news prints the events after the first seen ones, a line each, and where the order stands now.
func (p *program) news(s order.Status, seen int) {
	for _, e := range s.Timeline[min(max(seen, 0), len(s.Timeline)):] {
		p.out.Println(p.event(e))
	}
	line := p.say("状態", "state") + ": " + p.state(s.State)
	for _, a := range s.Awaited {
		line += "; " + p.awaited(a)
	}
	p.out.Println(line)
}
