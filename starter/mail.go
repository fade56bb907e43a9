package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
)

func (p *program) mail() *cobra.Command {
	c := &cobra.Command{
		Use:     "mail",
		GroupID: groupStaff,
		Short:   "届いていないメールの扱い / Mails that have not arrived",
	}
	c.AddCommand(p.mailResend())
	return c
}

func (p *program) mailResend() *cobra.Command {
	var actor string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "resend ORDER",
		Short: "届いていないメールを再送 / Send undelivered mails again",
		Long: `オーダーのメールのうち、再試行を終えたものと宛先に拒否されたものを送り直します。拒否されたメールのリンクは新しくなります。
10分以内に用意されたメールは送信中とみなし、送り直しません。
ドメイン認証の承認メールは「starter resend」で送り直してください。
Sends those mails of an order again that were given up or refused; the links of a refused mail are made anew.
Those written within the last ten minutes are on their way and left alone.
Mails that ask to approve a domain are sent again by "starter resend".`,
		Example: "  starter mail resend 1234567890",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := orderNumber(args[0])
			if err != nil {
				return err
			}
			by, err := p.actor(actor)
			if err != nil {
				return err
			}
			if by == "applicant" {
				return wrongUsage("これは認証担当者だけが行えます。操作者は staff/ログイン名 です。", "Only staff may do this. The actor is staff/LOGIN.")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			return p.resendMail(ctx, number, by)
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "操作者 staff/… / who acts: staff/LOGIN (default: SMID_ACTOR, else your login)")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "結果を待つ時間 / how long to wait for the outcome")
	return c
}

func (p *program) resendMail(ctx context.Context, number, actor string) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		sent, left, err := d.ResendMail(ctx, number, actor)
		if err != nil {
			return late(ctx, err)
		}
		if sent == 0 && left == 0 {
			return fault.New(fault.Conflict, "mail.delivered", "届いていないメールはありません(10分以内のメールは送信中です)。", "Every mail of this order has been delivered or is on its way: those of the last ten minutes are.")
		}
		p.out.Println(p.say(fmt.Sprintf("%d通を送り直しています。", sent), fmt.Sprintf("%d mail(s) on their way again.", sent)))
		if left > 0 {
			p.out.Println(p.say(fmt.Sprintf("%d通は送り直せません。承認メールは「starter resend %s」をお使いください。", left, number),
				fmt.Sprintf("%d cannot be sent again; for mails that ask for approval use \"starter resend %s\".", left, number)))
		}
		return nil
	})
}
