package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/demo"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/temporal"
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
	dir := filepath.Join(devDir, "demo")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must be able to pass
		return err
	}
	cliPath, err := temporal.Find("")
	if err != nil {
		return err
	}
	stack, err := p.startStack(ctx, devstack.Options{Dir: filepath.Join(dir, "stack")})
	if err != nil {
		return err
	}
	err = p.carry(ctx, stack, dir, cliPath)
	return errors.Join(err, stack.Stop(context.WithoutCancel(ctx)))
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
		Stack: stack, Desk: desk, Starter: stack.Options.Starter, Temporal: cliPath, Dir: dir, Out: p.out,
		Say: func(done, _ int, text string) {
			progress.Say(text)
			progress.At(int64(done))
		},
	}
	if err := d.Run(ctx); err != nil {
		return err
	}
	p.out.Println(p.say("4件すべて発行され、検証されました。", "All four are issued and verified."))
	return nil
}
