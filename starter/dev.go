package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/fault"
)

// devDir keeps the state of the development stack and of the demo; "make reset" wipes it.
const devDir = ".dev"

func (p *program) dev() *cobra.Command {
	return &cobra.Command{
		Use:     "dev",
		GroupID: groupOperator,
		Short:   "開発環境を起動 / Run the whole system on this machine, for development",
		Long: `PostgreSQL、Temporal、DNS、WHOIS、ウェブサーバ、メールボックス、認証局、ワーカー、ポータルをこの端末だけで動かします。状態は .dev に残ります。
ワーカー、ポータル、Temporal、PostgreSQLが終了した場合は自動で再起動します。Ctrl-C で停止します。
Runs PostgreSQL, Temporal, DNS, WHOIS, a web host, a mailbox, a CA, the worker and the portal on this machine alone. The state stays
in .dev. The worker, the portal, Temporal and PostgreSQL are started again when they end. Ctrl-C stops it all.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDev(cmd.Context()) },
	}
}

func (p *program) runDev(ctx context.Context) error {
	unlock, err := lockDev()
	if err != nil {
		return err
	}
	defer unlock()
	p.loaded = true // the stack decides its settings; those of the last run must not reach it
	ports, err := devstack.PortsFrom(p.getenv)
	if err != nil {
		return err
	}
	stack, err := p.startStack(ctx, devstack.Options{Dir: filepath.Join(devDir, "run"), Ports: ports, UI: true})
	if err != nil {
		return err
	}
	if err = p.showDev(ctx, stack); err == nil {
		err = stack.Supervise(ctx, p.devNews)
	}
	p.err.Println(p.say("停止しています", "Stopping") + stoppedBy(ctx) + "…")
	return errors.Join(err, stack.Stop(context.WithoutCancel(ctx)))
}

// stoppedBy names the signal that ended ctx, in brackets.
func stoppedBy(ctx context.Context) string {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(cause, context.Canceled) && cause.Error() == context.Canceled.Error() {
		return ""
	}
	names := map[string]string{os.Interrupt.String(): "SIGINT, Ctrl-C", syscall.SIGTERM.String(): "SIGTERM"}
	name, _, _ := strings.Cut(cause.Error(), " signal received") // as signal.NotifyContext says it
	return " (" + cmp.Or(names[name], name) + ")"
}

// devNews says what has happened to a part, each time on whole lines: it is called from several goroutines.
func (p *program) devNews(t fault.Text) {
	var lines strings.Builder
	for _, line := range p.lang.Lines(t) {
		lines.WriteString(p.clock().In(p.zone).Format("15:04:05 ") + line + "\n")
	}
	p.err.Printf("%s", lines.String())
}

// holdDev keeps "make reset" from wiping the folder while something runs there.
func holdDev() (release func(), err error) {
	return flock("lock", syscall.LOCK_SH)
}

// lockDev makes sure that one stack runs in the folder.
func lockDev() (release func(), err error) {
	hold, err := holdDev()
	if err != nil {
		return nil, err
	}
	unlock, err := flock("run.lock", syscall.LOCK_EX)
	if err != nil {
		hold()
		return nil, fault.New(fault.Conflict, "dev.running", "この場所の開発環境はすでに動作中です。", "The development stack of this folder runs already.").Because(err)
	}
	return func() { unlock(); hold() }, nil
}

func flock(name string, how int) (release func(), err error) {
	if err := os.MkdirAll(devDir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must be able to pass
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(devDir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// startStack brings a stack up with a progress display; the programs are those beside this one.
func (p *program) startStack(ctx context.Context, o devstack.Options) (*devstack.Stack, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o.Starter, o.Worker, o.Lang = self, filepath.Join(filepath.Dir(self), "worker"), p.lang
	progress := cli.NewProgress(p.err, -1)
	defer progress.Done()
	steps := int64(0)
	o.Report = func(step string) {
		steps++
		progress.Say(p.say("起動", "starting") + ": " + step)
		progress.At(steps)
	}
	return devstack.Start(ctx, o)
}

// showDev prints every address, and vouchers to begin with.
func (p *program) showDev(ctx context.Context, s *devstack.Stack) error {
	codes, err := p.devVouchers(ctx, s)
	if err != nil {
		return err
	}
	p.out.Println()
	p.out.Println(p.out.Bold(p.say("セキュアメールID 開発環境", "Secure Mail ID, development stack")))
	p.addresses([][2]string{
		{p.say("ポータル", "portal"), s.PortalURL},
		{p.say("メールボックス", "mailbox"), s.Mailbox.WebURL},
		{"Temporal UI", s.Temporal.UIURL()},
		{"Temporal", s.Temporal.HostPort()},
		{"PostgreSQL", fmt.Sprintf("127.0.0.1:%d", s.Postgres.Port())},
		{"SMTP", s.Mailbox.SMTPAddr},
		{"DNS", s.Lab.DNSAddr},
		{"WHOIS", s.Lab.WHOISAddr},
		{p.say("ウェブサーバ", "web host"), s.Lab.WebAddr},
		{p.say("公開中のDNSとファイル", "DNS and files published"), s.Lab.AdminURL},
	})
	p.block(p.say("未使用のバウチャー (1年)", "Unused vouchers (1 year)"), codes...)
	p.block(p.say("別の端末で", "In another terminal"),
		"bin/starter template > order.yaml",
		"bin/starter csr --email info@example.jp --out-key key.pem --out-csr request.csr",
		"bin/starter submit -f order.yaml --csr request.csr",
		"bin/starter --help",
		`psql "$(sed -n 's/^SMID_DATABASE_URL=//p' `+filepath.Join(devDir, "run", devstack.SettingsFile)+`)"`)
	p.block(p.say("開発環境のDNSとウェブサーバに公開する", "To publish in this stack's DNS and on its web host"),
		"curl -X PUT "+s.Lab.AdminURL+`/records \`,
		`  -d '{"name":"example.jp","type":"TXT","values":["TOKEN"]}'`,
		"curl -X PUT "+s.Lab.AdminURL+`/files \`,
		`  -d '{"host":"example.jp","path":"/.well-known/pki-validation/fileauth.txt","content":"TOKEN"}'`)
	p.out.Println()
	p.out.Println(p.say("申請の手順", "How to carry an order") + ": docs/operations.md")
	p.out.Println(p.say("Ctrl-C で停止", "Ctrl-C stops it"))
	return nil
}

// addresses prints labelled addresses in two columns, as wide as the longest label.
func (p *program) addresses(rows [][2]string) {
	width := 0
	for _, row := range rows {
		width = max(width, cli.Width(row[0]))
	}
	for _, row := range rows {
		p.out.Println("  " + cli.Pad(row[0], width+2) + row[1])
	}
}

// block prints lines that can be copied, below a heading.
func (p *program) block(heading string, lines ...string) {
	p.out.Println()
	p.out.Println(heading)
	for _, line := range lines {
		p.out.Println("  " + line)
	}
}

// devVouchers issues a few vouchers with the stack's settings.
func (p *program) devVouchers(ctx context.Context, s *devstack.Stack) ([]string, error) {
	b, err := p.batch(issueOptions{
		kind: "voucher", years: 1, count: 3, reseller: "Sample Sales K.K.", actor: "staff/dev",
		expires: p.clock().AddDate(1, 0, 0).Format(time.DateOnly),
	})
	if err != nil {
		return nil, err
	}
	desk, err := deskOf(ctx, s, p)
	if err != nil {
		return nil, err
	}
	defer desk.Close()
	codes, vouchers, err := draw(b, desk.Vouchers)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range codes {
		out = append(out, c.Grouped())
	}
	return out, desk.Records.CreateBatch(ctx, b, vouchers, b.CreatedBy)
}

// deskOf opens the desk of a stack started here.
func deskOf(ctx context.Context, s *devstack.Stack, p *program) (*app.Desk, error) {
	cfg, err := s.Settings()
	if err != nil {
		return nil, err
	}
	return app.OpenDesk(ctx, cfg, p.logger())
}
