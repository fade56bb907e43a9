package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// submitWait bounds a submission: the voucher is redeemed within seconds where a worker runs.
const submitWait = time.Minute

type submitOptions struct {
	file, csr, key string
	json           bool
}

func (p *program) submit() *cobra.Command {
	var o submitOptions
	c := &cobra.Command{
		Use:     "submit -f order.yaml",
		GroupID: groupApplicant,
		Short:   "申請ファイルを提出 / Hand in an order file",
		Long: `申請ファイル (YAML、「starter template」で作成) を提出し、オーダー番号を表示します。バウチャーの可否はその場でわかります。
同じ内容 (または同じ --key) の提出は何度行っても1件の申請です。応答が得られなかった場合は、そのままもう一度実行してください。

Hands in an order file (YAML, see "starter template") and prints the order number. Whether the voucher is accepted is known at
once. The same content, or the same --key, is one order however often it is handed in: without an answer, run it again.`,
		Example: `  starter submit -f order.yaml
  starter submit -f order.yaml --csr request.csr
  generate-order | starter submit -f - --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.json = o.json
			return p.handIn(cmd.Context(), o)
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "申請ファイル、- は標準入力 (必須) / order file, - for standard input (required)")
	flags.StringVar(&o.csr, "csr", "", "CSRのファイル / file with the CSR")
	flags.StringVar(&o.key, "key", "", "冪等キー (既定: 内容のダイジェスト) / idempotency key (default: digest of the content)")
	flags.BoolVar(&o.json, "json", false, "結果をJSONで表示 / print the receipt as JSON")
	return c
}

func (p *program) handIn(ctx context.Context, o submitOptions) error {
	a, err := p.readApplication(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, submitWait)
	defer cancel()
	return p.atDesk(ctx, func(d *app.Desk) error {
		receipt, err := d.Submit(ctx, a, o.key)
		if err != nil {
			return late(ctx, err)
		}
		return p.receipt(receipt, a)
	})
}

func (p *program) readApplication(o submitOptions) (order.Application, error) {
	file, err := p.readFileOrInput(o.file, maxOrderFile)
	if err != nil {
		return order.Application{}, err
	}
	decoded, err := decodeOrderFile(file)
	p.lines = decoded.lines
	if err != nil {
		return order.Application{}, err
	}
	a := decoded.application
	if a.Type == order.Reissue {
		return order.Application{}, fault.InvalidFields([]fault.Field{reissueElsewhere})
	}
	a.CSR, err = p.readCSR(o.csr, a.CSR)
	return a, err
}

// readCSR returns the CSR of the file that --csr names, or the one in the order file; both would be one too many.
func (p *program) readCSR(path, inFile string) (string, error) {
	switch {
	case path == "":
		return inFile, nil
	case inFile != "":
		return "", wrongUsage("CSRが申請ファイルと --csr の両方にあります。どちらか一方にしてください。", "There is a CSR in the order file and another in --csr. Give one.")
	}
	request, err := p.readFileOrInput(path, maxOrderFile)
	return string(request), err
}

// readFileOrInput reads a file, or standard input for "-", up to limit bytes and one more, so that the reader sees what is too long.
func (p *program) readFileOrInput(path string, limit int64) ([]byte, error) {
	switch path {
	case "":
		return nil, wrongUsage("-f にファイルを指定してください (- は標準入力)。", "Name a file with -f, or - for standard input.")
	case "-":
		return io.ReadAll(io.LimitReader(p.in, limit+1))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil { // such as a directory
		return nil, unreadable(err)
	}
	return text, nil
}

// reissueElsewhere says where a reissue is asked for (G24), for which an order file has no place.
var reissueElsewhere = fault.Field{
	Path: "type", Code: "type",
	Rule:   fault.Text{JA: "再発行の申請ファイルは別の書式です。バウチャーは不要です。", EN: "A reissue has a file of its own; it needs no voucher."},
	Remedy: fault.Text{JA: "「starter template --reissue」で雛形を作成し、「starter reissue -f」で申請してください。", EN: "Print one with \"starter template --reissue\" and hand it in with \"starter reissue -f\"."},
}

// unreadable is the fault for a file that the command line names and that cannot be opened.
func unreadable(err error) error {
	return fault.New(fault.Invalid, "file.unreadable", "ファイルを開けません: "+err.Error(), "The file cannot be opened: "+err.Error())
}

// nextSteps says what happens after submission (G14, G15, G20).
var nextSteps = map[order.DCVMethod]fault.Text{
	order.DCVEmail: {JA: "ドメインの管理者宛てに認証メールを送ります。メール内のリンクから承認してください。",
		EN: "A validation mail goes to the domain's administrators: approve by the link in it."},
	order.DCVFile: {JA: "技術担当者宛てに、ウェブサーバに設置するファイルの内容をメールでお知らせします。",
		EN: "A mail tells the technical contact which file to put on the web server."},
	order.DCVTXT: {JA: "技術担当者宛てに、DNSに登録するTXTレコードをメールでお知らせします。",
		EN: "A mail tells the technical contact which TXT record to create in DNS."},
	order.DCVCNAME: {JA: "技術担当者宛てに、DNSに登録するCNAMEレコードをメールでお知らせします。",
		EN: "A mail tells the technical contact which CNAME record to create in DNS."},
}

// accepted is the head of a receipt.
func (p *program) accepted(r order.Receipt) {
	head := p.say("申請を受け付けました", "The application has been accepted")
	if r.Repeated {
		head = p.say("この申請は受付済みです", "This application had been accepted before")
	}
	p.out.Println(p.out.Green(head))
	p.out.Println(p.say("オーダー番号", "Order number")+":", p.out.Bold(r.Number))
	p.out.Println()
	p.out.Println(p.say("次の手続き", "What happens next") + ":")
}

func (p *program) receipt(r order.Receipt, a order.Application) error {
	if p.json {
		return p.printJSON(r)
	}
	p.accepted(r)
	p.out.Println("  1. " + p.say("技術担当者に受付メールを送ります。", "The technical contact receives a receipt by mail."))
	p.out.Println("  2. " + p.lang.Of(nextSteps[a.DCVMethod]))
	p.out.Println("  3. " + p.say("申請責任者に電話で申請内容を確認します。", "We telephone the applicant representative to confirm the application."))
	p.out.Println("  4. " + p.say("証明書を発行し、メールでお知らせします。", "The certificate is issued, and announced by mail."))
	p.out.Println()
	p.out.Println(p.say("状況の確認", "To follow it")+":", "starter status", r.Number)
	return nil
}
