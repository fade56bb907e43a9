package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/order"
)

func (p *program) revokeText() *cobra.Command {
	var o revokeOptions
	c := &cobra.Command{
		Use:   "text ORDER|SERIAL --reason REASON",
		Short: "署名する文面を表示 / Print the text that a subscriber signs",
		Long: `証明書の秘密鍵で署名して失効を申し出るための文面を表示します。署名は次のように行い、「starter revoke --proof」に渡します。
Prints the text by which a subscriber asks for revocation with the certificate's key. Sign it as follows and hand it to "starter revoke --proof".

  openssl cms -sign -in wish.txt -signer cert.pem -inkey key.pem -binary -nodetach -outform PEM -out request.p7s`,
		Example: "  starter revoke text 1234567890 --reason cessationOfOperation > wish.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason, err := parseReason(o.reason)
			if err != nil {
				return err
			}
			return p.atDesk(cmd.Context(), func(d *app.Desk) error {
				c, err := p.findCertificate(cmd.Context(), d, args[0], o.sequence)
				if err != nil {
					return err
				}
				p.out.Printf("%s", order.RevocationWish{Issuer: c.Issuer, Serial: c.Serial, Reason: reason}.Text())
				return nil
			})
		},
	}
	c.Flags().StringVar(&o.reason, "reason", "", "失効理由 / why")
	c.Flags().IntVar(&o.sequence, "sequence", 0, "オーダーの何番目の証明書か (既定: 最新) / which certificate of the order (default: the latest)")
	return c
}

func (p *program) revokeList() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "完了していない失効の申し出 / Requests that are not finished",
		Example: "  starter revoke list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.atDesk(cmd.Context(), func(d *app.Desk) error {
				all, err := d.Records.UnfinishedRevocations(cmd.Context(), p.clock().Add(time.Second))
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(all)
				}
				p.revocationTable(all)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) revocationTable(all []order.Revocation) {
	if len(all) == 0 {
		p.err.Println(p.say("完了していない申し出はありません。", "Nothing is unfinished."))
		return
	}
	t := cli.Table{Head: []string{p.say("申し出の番号", "request"), p.say("待ち", "waits for"), p.say("回答期限", "answer due"), p.say("期限", "due"), p.say("理由", "reason"), p.say("オーダー", "order")}}
	for _, r := range all {
		waits := p.say("CRLの発行", "the CRL")
		switch {
		case r.Undecided():
			waits = p.out.Yellow(p.say("判断", "a decision"))
		case !r.PublishedAt.IsZero():
			waits = p.say("通知", "its letters")
		}
		due := p.at(r.DueAt)
		if p.clock().After(r.DueAt) && r.PublishedAt.IsZero() {
			due = p.out.Red(due)
		}
		t.Add(r.ID, waits, p.answerOf(r), due, r.Reason.String(), ordersIn(r))
	}
	t.Print(p.out)
}

// ordersIn names the order whose certificate is asked about, and how many more have its key.
func ordersIn(r order.Revocation) string {
	orders := r.Orders()
	switch len(orders) {
	case 0:
		return "-"
	case 1:
		return orders[0]
	}
	return fmt.Sprintf("%s +%d", cmp.Or(r.Reported().Order, orders[0]), len(orders)-1)
}

// answerOf is how far the answer to a problem report is. A decision is an answer, though the reporter hears of it with the list.
func (p *program) answerOf(r order.Revocation) string {
	switch {
	case r.AnswerDueAt.IsZero():
		return "-"
	case !r.AnsweredAt.IsZero():
		return p.out.Green(p.say("回答済み", "answered"))
	case !r.Undecided():
		return p.out.Green(p.say("決定済み", "decided"))
	case p.clock().After(r.AnswerDueAt):
		return p.out.Red(p.at(r.AnswerDueAt))
	}
	return p.at(r.AnswerDueAt)
}

func (p *program) revokeAnswer() *cobra.Command {
	var findings, actor string
	c := &cobra.Command{
		Use:   "answer REQUEST --findings TEXT",
		Short: "通報に途中経過を回答 / Give the preliminary answer to a problem report",
		Long: `通報を受けてから24時間以内に、通報者と証明書の利用者に調査の途中経過を伝えます (SBR 4.9.5)。技術担当者と、--reporter で記録した通報者にメールします。
メールアドレスのない通報者には、先に電話などで伝えてください。決定 (「revoke decide」) も回答になります。
Within 24 hours of a report, whoever reported and the subscriber hear what has been found so far. It is mailed to the technical contact, and to
the reporter where --reporter gave an address; tell others by phone first. A decision ("revoke decide") is an answer as well.`,
		Example: `  starter revoke answer 0198c6f2-0000-7000-8000-00000000000a --findings "We are asking the organisation about the use of the certificate."`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := p.actor(actor)
			if err != nil {
				return err
			}
			return p.atDesk(cmd.Context(), func(d *app.Desk) error {
				rev, err := d.AnswerReport(cmd.Context(), args[0], order.ReportAnswer{Actor: by, Findings: findings})
				if err == nil {
					p.out.Println(p.out.Green(p.say("回答を記録しました", "answered"))+":", rev.ID)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&findings, "findings", "", "途中経過 (通報者と技術担当者にそのまま届きます) / what has been found so far; both read it word for word")
	c.Flags().StringVar(&actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	return c
}

func (p *program) revokeDecide() *cobra.Command {
	var revoke bool
	var reason, decline, actor string
	c := &cobra.Command{
		Use:   "decide REQUEST --revoke --reason REASON | --decline WHY",
		Short: "通報について決定 / Decide about a problem report",
		Long: `通報された証明書を失効するかどうかを記録します。失効しない場合、--decline の文面はそのまま、通報者 (--reporter で記録した場合) と技術担当者にメールします。
失効した場合は、CRLを発行してから通知します。
Records whether the reported certificate is revoked. What --decline says is mailed word for word to the reporter, where --reporter gave an
address, and to the technical contact. A revocation is told once its list is out.`,
		Example: `  starter revoke decide 0198c6f2-0000-7000-8000-00000000000a --revoke --reason privilegeWithdrawn
  starter revoke decide 0198c6f2-0000-7000-8000-00000000000a --decline "the certificate is another CA's"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if revoke == (decline != "") {
				return wrongUsage("--revoke か --decline のどちらか一方を指定してください。", "Say --revoke or --decline, one of them.")
			}
			by, err := p.actor(actor)
			if err != nil {
				return err
			}
			decision := order.RevocationDecision{Actor: by, Revoke: revoke, Answer: decline}
			if revoke {
				if decision.Reason, err = parseReason(reason); err != nil {
					return err
				}
			}
			return p.atDesk(cmd.Context(), func(d *app.Desk) error {
				rev, err := d.DecideRevocation(cmd.Context(), args[0], decision)
				if err != nil {
					return err
				}
				if rev.Declined {
					p.out.Println(p.say("失効しないと記録しました", "declined")+":", rev.ID)
					return nil
				}
				return p.revocationOutcome(rev)
			})
		},
	}
	c.Flags().BoolVar(&revoke, "revoke", false, "失効する / revoke")
	c.Flags().StringVar(&reason, "reason", "", "失効理由 / why")
	c.Flags().StringVar(&decline, "decline", "", "失効しない理由 (通報者と技術担当者にそのまま届きます) / why it is not revoked; reporter and technical contact read it word for word")
	c.Flags().StringVar(&actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	return c
}
