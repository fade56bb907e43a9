package main

import (
	"context"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/order"
)

func (p *program) reissue() *cobra.Command {
	var o submitOptions
	c := &cobra.Command{
		Use:     "reissue -f reissue.yaml",
		GroupID: groupApplicant,
		Short:   "証明書の再発行を申請 / Ask for a certificate to be issued again",
		Long: `再発行の申請ファイル (YAML、「starter template --reissue」で作成) を提出し、オーダー番号を表示します。バウチャーは不要です。
元の証明書はオーダー番号、シリアル番号、メールアドレス、申請団体名のいずれかと有効期限で特定します。記載内容と有効期限は元の証明書と同じです。
同じ内容 (または同じ --key) の提出は何度行っても1件の申請です。

Hands in a file for a reissue (YAML, see "starter template --reissue") and prints the order number. No voucher is needed. The
original is named by order number, serial number, address or organisation, and by the day on which it ends. The new certificate says the same and
ends on the same day. The same content, or the same --key, is one request however often it is handed in.`,
		Example: `  starter reissue -f reissue.yaml
  starter reissue -f reissue.yaml --csr request.csr`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.json = o.json
			return p.handInReissue(cmd.Context(), o)
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "申請ファイル、- は標準入力 (必須) / file of the request, - for standard input (required)")
	flags.StringVar(&o.csr, "csr", "", "CSRのファイル / file with the CSR")
	flags.StringVar(&o.key, "key", "", "冪等キー (既定: 内容のダイジェスト) / idempotency key (default: digest of the content)")
	flags.BoolVar(&o.json, "json", false, "結果をJSONで表示 / print the receipt as JSON")
	return c
}

func (p *program) handInReissue(ctx context.Context, o submitOptions) error {
	file, err := p.readFileOrInput(o.file, maxOrderFile)
	if err != nil {
		return err
	}
	request, lines, err := decodeReissueFile(file)
	p.lines = lines
	if err != nil {
		return err
	}
	if request.CSR, err = p.readCSR(o.csr, request.CSR); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, submitWait)
	defer cancel()
	return p.atDesk(ctx, func(d *app.Desk) error {
		receipt, err := d.Reissue(ctx, request, o.key)
		if err != nil {
			return late(ctx, err)
		}
		return p.reissueReceipt(receipt)
	})
}

func (p *program) reissueReceipt(r order.Receipt) error {
	if p.json {
		return p.printJSON(r)
	}
	p.accepted(r)
	p.out.Println("  1. " + p.say("技術担当者に受付メールを送ります。", "The technical contact receives a receipt by mail."))
	p.out.Println("  2. " + p.say("担当者が再発行の内容を確認します。", "Our staff review the request."))
	p.out.Println("  3. " + p.say("ドメイン名と申請団体を認証します。手続きはメールと電話でお知らせします。", "Domain and organisation are validated; mail and phone say what is needed."))
	p.out.Println("  4. " + p.say("証明書を発行し、メールでお知らせします。", "The certificate is issued, and announced by mail."))
	p.out.Println()
	p.out.Println(p.say("状況の確認", "To follow it")+":", "starter status", r.Number)
	return nil
}
