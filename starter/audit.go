package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/audit"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
)

func (p *program) audit() *cobra.Command {
	c := &cobra.Command{
		Use:     "audit",
		GroupID: groupOperator,
		Short:   "監査証跡の検査 / The audit trail",
	}
	verify := &cobra.Command{
		Use:   "verify",
		Short: "改ざんがないか検査 / Check that nothing was changed or removed",
		Long: `監査証跡のハッシュチェーンを最初の行から検査します。最後に表示される行数とダイジェストを別の場所に控えてください。行数が同じなのに
ダイジェストが異なる場合や、行数が減った場合は、末尾が書き換えられています。改ざんが見つかると終了コードは3です。
Checks the hash chains of the audit trail from their first line. Keep the number of lines and the digest somewhere else: fewer lines,
or another digest for as many, show that the end was rewritten. Exit code 3 where a chain does not hold.`,
		Example: "  starter audit verify",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.verifyAudit(cmd.Context())
		},
	}
	verify.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	c.AddCommand(verify)
	return c
}

func (p *program) verifyAudit(ctx context.Context) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		var bar *cli.Progress
		report, err := d.Records.VerifyAudit(ctx, func(done, total int64) {
			if bar == nil {
				bar = cli.NewProgress(p.err, total)
				bar.Say(p.say("監査証跡を検査しています", "checking the audit trail"))
			}
			bar.At(done)
		})
		if bar != nil {
			bar.Done()
		}
		if err != nil {
			return tampered(err)
		}
		digest := hex.EncodeToString(report.Digest)
		if p.json {
			return p.printJSON(map[string]any{"lines": report.Lines, "digest": digest})
		}
		p.out.Println(p.out.Green(p.say("監査証跡に問題はありません。", "The audit trail is intact.")))
		p.out.Println(p.say("行数", "lines")+":", report.Lines)
		p.out.Println(p.say("ダイジェスト (別の場所に控えてください)", "digest, to be kept elsewhere")+":", digest)
		return nil
	})
}

// tampered says of a chain that does not hold where that shows.
func tampered(err error) error {
	broken, ok := errors.AsType[*audit.BrokenError](err)
	if !ok {
		return err
	}
	return fault.New(fault.Conflict, "audit.broken",
		fmt.Sprintf("監査証跡が改ざんされています: チェーン%d、%d行目 (%s)。", broken.Chain, broken.Seq, broken.Reason),
		fmt.Sprintf("The audit trail has been tampered with: chain %d, line %d (%s).", broken.Chain, broken.Seq, broken.Reason))
}
