package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
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
Ctrl-C で停止します。
Runs PostgreSQL, Temporal, DNS, WHOIS, a web host, a mailbox, a CA, the worker and the portal on this machine alone. The state stays
in .dev. Ctrl-C stops it.`,
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
	var ports devstack.Ports
	if err := env.Parse(&ports); err != nil {
		return wrongUsage("SMID_DEV_…_PORT はポート番号です: "+err.Error(), "SMID_DEV_…_PORT is a port number: "+err.Error())
	}
	stack, err := p.startStack(ctx, devstack.Options{Dir: filepath.Join(devDir, "run"), Ports: ports, UI: true})
	if err != nil {
		return err
	}
	err = p.showDev(ctx, stack)
	if err == nil {
		err = watch(ctx, stack)
	}
	p.err.Println(p.say("停止しています…", "Stopping…"))
	return errors.Join(err, stack.Stop(context.WithoutCancel(ctx)))
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
	o.Starter, o.Worker = self, filepath.Join(filepath.Dir(self), "worker")
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
	ja := p.lang != cli.English
	title := map[bool]string{true: "セキュアメールID 開発環境", false: "Secure Mail ID, development stack"}[ja]
	p.out.Println("")
	p.out.Println(title)
	for _, row := range [][2]string{
		{p.say("ポータル", "portal"), s.PortalURL},
		{p.say("メールボックス", "mailbox"), s.Mailbox.WebURL},
		{"Temporal UI", s.Temporal.UIURL() + "/namespaces/default/workflows"},
		{"Temporal", s.Temporal.HostPort()},
		{"PostgreSQL", s.Postgres.DSN()},
		{"SMTP", s.Mailbox.SMTPAddr},
		{"DNS", s.Lab.DNSAddr},
		{"WHOIS", s.Lab.WHOISAddr},
		{p.say("ウェブサーバ", "web host"), s.Lab.WebAddr},
		{p.say("公開の設定", "what is published"), s.Lab.AdminURL},
	} {
		p.out.Println("  " + cli.Pad(row[0], 28) + row[1])
	}
	p.out.Println("")
	p.out.Println(p.say("未使用のバウチャー (1年)", "Unused vouchers (1 year)"))
	for _, code := range codes {
		p.out.Println("  " + code)
	}
	p.out.Println("")
	p.out.Println(p.say("別の端末で: bin/starter template > order.yaml、bin/starter submit -f order.yaml、bin/starter --help",
		"In another terminal: bin/starter template > order.yaml, bin/starter submit -f order.yaml, bin/starter --help"))
	p.out.Println(p.say("Ctrl-C で停止", "Ctrl-C stops it"))
	return nil
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

// watch waits for Ctrl-C, or for a part that ends by itself.
func watch(ctx context.Context, s *devstack.Stack) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.Worker.Done():
		return fmt.Errorf("the worker has ended; see %s", filepath.Join(s.Options.Dir, "worker.log"))
	case <-s.Portal.Done():
		return fmt.Errorf("the portal has ended; see %s", filepath.Join(s.Options.Dir, "portal.log"))
	case <-s.Temporal.Done():
		return fmt.Errorf("the Temporal server has ended; see %s", filepath.Join(s.Options.Dir, "temporal.log"))
	}
}
