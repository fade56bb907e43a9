package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/demo"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/temporal"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func (p *program) demo() *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		GroupID: groupOperator,
		Short:   "4つの認証方式で申請から証明書まで実演 / Carry four orders from form to certificate",
		Long: `専用の開発環境を起動し、認証方式ごとに1件、計4件の申請を証明書の発行まで進め、OpenSSLで検証します。結果は .dev/demo/<オーダー番号>/ に残ります。
Starts a stack of its own and carries four orders, one per validation method, to their certificates, which OpenSSL checks. What
came of them stays in .dev/demo/<order number>/.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemo(cmd.Context()) },
	}
}

func (p *program) runDemo(ctx context.Context) error {
	release, err := holdDev()
	if err != nil {
		return err
	}
	defer release()
	p.loaded = true // the stack decides its settings; those of "starter dev" must not reach it
	dir := filepath.Join(devDir, "demo")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must be able to pass
		return err
	}
	cliPath, err := temporal.Find("")
	if err != nil {
		return err
	}
	run := filepath.Join(dir, "stack")
	err = p.carryOn(ctx, devstack.Options{Dir: run}, dir, cliPath)
	if err != nil {
		p.err.Println(p.say("記録", "logs")+":", filepath.Join(run, "worker.log"), filepath.Join(run, "temporal.log"))
	}
	return err
}

// carryOn starts the stack, carries the orders and stops it again; all three must succeed.
func (p *program) carryOn(ctx context.Context, o devstack.Options, dir, cliPath string) error {
	stack, err := p.startStack(ctx, o)
	if err != nil {
		return err
	}
	err = p.carry(ctx, stack, dir, cliPath)
	if err = errors.Join(err, stack.Stop(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	p.out.Println(p.say("4件すべて発行され、検証されました。", "All four are issued and verified."))
	return nil
}

func (p *program) carry(ctx context.Context, stack *devstack.Stack, dir, cliPath string) error {
	desk, err := deskOf(ctx, stack, p)
	if err != nil {
		return err
	}
	defer desk.Close()
	progress := cli.NewProgress(p.err, int64(demo.Stages()))
	defer progress.Done()
	d := demo.Demo{
		Stack: stack, Desk: desk, Starter: stack.Options.Starter, Temporal: cliPath, Dir: dir,
		Say: func(done int, method order.DCVMethod, stage fault.Text) {
			progress.Say(fmt.Sprintf("[%s] %s", method, p.lang.Of(stage)))
			progress.At(int64(done))
		},
		Keep: func(r demo.Result) { progress.Aside(func() { p.demoResult(r) }) },
	}
	return d.Run(ctx)
}

func (p *program) demoResult(r demo.Result) {
	p.out.Println(fmt.Sprintf("%s %-9s %s %s serial %s %d events %s", p.out.Green("✔"), r.Method, p.say("オーダー", "order"), r.Number, r.Serial, r.Events, r.Dir))
}
