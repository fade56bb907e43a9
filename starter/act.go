package main

import (
	"context"
	"errors"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// actFlags are what every command on an order takes.
type actFlags struct {
	actor  string
	staff  bool // only staff may send it
	signal bool
	wait   time.Duration
	json   bool
}

// act completes a command that sends an order.Command: its flags, and what happens when it runs. build makes the command from the
// arguments behind the order number.
func (p *program) act(c *cobra.Command, build func(actor order.Actor, args []string) (order.Command, error)) *cobra.Command {
	return p.actAs(c, actFlags{}, "操作者 staff/… または applicant (既定: SMID_ACTOR、次に staff/ログイン名) / who acts: staff/LOGIN or applicant (default: SMID_ACTOR, else staff/LOGIN)", build)
}

// actAsStaff is act for what only validation specialists decide.
func (p *program) actAsStaff(c *cobra.Command, build func(actor order.Actor, args []string) (order.Command, error)) *cobra.Command {
	return p.actAs(c, actFlags{staff: true}, "操作者 staff/… (既定: SMID_ACTOR、次に staff/ログイン名) / who acts: staff/LOGIN (default: SMID_ACTOR, else your login)", build)
}

func (p *program) actAs(c *cobra.Command, f actFlags, actorHelp string, build func(actor order.Actor, args []string) (order.Command, error)) *cobra.Command {
	flags := c.Flags()
	flags.StringVar(&f.actor, "actor", "", actorHelp)
	flags.BoolVar(&f.signal, "signal", false, "シグナルとして送り、結果を待たない / send as a signal and do not wait for the outcome")
	flags.DurationVar(&f.wait, "wait", 30*time.Second, "結果を待つ時間 / how long to wait for the outcome")
	flags.BoolVar(&f.json, "json", false, "結果をJSONで表示 / print the outcome as JSON")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		p.json = f.json
		number, err := orderNumber(args[0])
		if err != nil {
			return err
		}
		actor, err := p.actor(f.actor)
		if err != nil {
			return err
		}
		if f.staff && actor == "applicant" {
			return wrongUsage("これは認証担当者だけが行えます。操作者は staff/ログイン名 です。", "Only staff may do this. The actor is staff/LOGIN.")
		}
		command, err := build(order.Actor{Actor: actor}, args[1:])
		if err != nil {
			return err
		}
		if err := fault.InvalidFields(command.Check()); err != nil {
			return err
		}
		return p.send(cmd.Context(), number, command, f)
	}
	return c
}

// send takes a command to the order and prints what became of it.
func (p *program) send(ctx context.Context, number string, c order.Command, f actFlags) error {
	ctx, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	return p.atDesk(ctx, func(d *app.Desk) error {
		if f.signal {
			return p.signal(ctx, d, number, c)
		}
		out, err := d.Orders.Command(ctx, number, c)
		if err != nil {
			return late(ctx, err)
		}
		return p.outcome(out, c)
	})
}

func (p *program) signal(ctx context.Context, d *app.Desk, number string, c order.Command) error {
	if err := d.Orders.Signal(ctx, number, c); err != nil {
		return late(ctx, err)
	}
	if p.json {
		return p.printJSON(map[string]any{"order": number, "sent": c.Name()})
	}
	p.out.Println(p.say("送信しました。結果は「starter status "+number+"」に表示されます。", "Sent. \"starter status "+number+"\" shows what became of it."))
	return nil
}

func (p *program) outcome(out order.Outcome, c order.Command) error {
	if p.json {
		return p.printJSON(out)
	}
	mark := p.out.Green(p.say("受け付けました", "done"))
	if !out.Applied {
		mark = p.out.Dim(p.say("記録済みのため変更なし", "recorded before, nothing changed"))
	}
	p.out.Println(p.say("オーダー", "order"), out.Order+":", mark, "-", p.say("状態", "state")+":", p.state(out.State)+p.toCome(out.State, c))
	for _, line := range p.lang.Lines(out.Text) {
		p.out.Println(plainLines(line))
	}
	return nil
}

// toCome names the state into which the command takes an order that has not got there yet.
func (p *program) toCome(now order.State, c order.Command) string {
	ends := map[order.CommandName]order.State{order.CmdOrderCancelled: order.Cancelled, order.CmdOrderRejected: order.Rejected}
	end, ok := ends[c.Name()]
	if review, decides := c.(order.ReviewDecided); decides && review.Approved != nil && !*review.Approved {
		end, ok = order.Rejected, true
	}
	if !ok || now.Final() {
		return ""
	}
	return " -> " + p.state(end)
}

// late turns the end of the waiting time into a fault: the command may still be applied.
func late(ctx context.Context, err error) error {
	if ctx.Err() == nil || fault.KindOf(err) != fault.Internal || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return fault.New(fault.Unavailable, "no-answer", "時間内に応答がありませんでした。処理された可能性があります。「starter status」で確認してください。",
		"There was no answer in time. It may still be carried out: see \"starter status\".").Because(err)
}

// actor returns who acts: the flag, SMID_ACTOR, or the user of this machine as staff. Commands from here are the staff's, or the applicant's as
// taken down by staff; "system" and "domain-owner" are nobody who types.
func (p *program) actor(flag string) (string, error) {
	if err := p.loadSettings(); err != nil { // it may name the actor
		return "", err
	}
	actor := flag
	if actor == "" {
		actor = p.getenv("SMID_ACTOR")
	}
	if actor == "" {
		actor = "staff/" + loginName()
	}
	if actor != "applicant" && !strings.HasPrefix(actor, "staff/") {
		return "", wrongUsage("操作者は staff/ログイン名 または applicant です。", "The actor is staff/LOGIN or applicant.")
	}
	return actor, nil
}

// loginName is the user of this machine in the characters that an actor may have.
func loginName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return plainLogin(u.Username)
}

func plainLogin(name string) string {
	if i := strings.LastIndexByte(name, '\\'); i >= 0 { // DOMAIN\user
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._@+-", r)) {
			return r
		}
		return '-'
	}, name)
	name = strings.TrimLeft(name, "._@+-")
	if name == "" {
		return "unknown"
	}
	return name[:min(len(name), 50)]
}
