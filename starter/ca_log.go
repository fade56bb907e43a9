package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/cli"
)

func (p *program) caLog() *cobra.Command {
	c := &cobra.Command{Use: "log", Short: "鍵生成式の記録 / The key ceremony log"}
	c.AddCommand(p.caLogVerify())
	return c
}

func (p *program) caLogVerify() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "verify --dir DIR",
		Short: "記録とその証明書を検査 / Check the log and its certificates",
		Long: `鍵生成式の記録 (ceremony.log) のハッシュ鎖と、同じディレクトリの証明書が記録どおりかを検査します。最後の値を別の場所に控えておくと、
末尾が切り取られていないことも確かめられます。データベースは使いません。
Checks the hash chain of the key ceremony log (ceremony.log), and that the certificates beside it are those that were logged. A copy
of the last hash kept elsewhere shows that nothing was cut off the end. The record is not used.`,
		Example: "  starter ca log verify --dir /var/lib/securemailid/ca",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return wrongUsage("--dir にディレクトリを指定してください。", "Name the directory with --dir.")
			}
			r, err := ceremony.Verify(dir)
			if err != nil {
				return err
			}
			return p.printCeremonies(r)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "「ca init」が作成したディレクトリ / the directory that \"ca init\" made")
	c.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) printCeremonies(r ceremony.Report) error {
	if p.json {
		return p.printJSON(r)
	}
	for _, m := range r.Made {
		p.out.Println(p.out.Bold(m.File), cli.Plain(m.Subject))
		p.out.Println("  SHA-256", m.SHA256)
	}
	p.out.Println(p.out.Green(p.say("記録は正しくつながっています。", "The log holds."))+" "+p.say("行数", "lines")+":", r.Lines,
		p.say("作業", "ceremonies")+":", r.Ceremonies)
	p.out.Println(p.say("最後の値", "last hash")+":", r.Head)
	return nil
}
