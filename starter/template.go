package main

import (
	_ "embed"

	"github.com/spf13/cobra"
)

// exampleOrder is the order file that people start from.
//
//go:embed order.example.yaml
var exampleOrder string

// exampleReissue is the file that a reissue starts from.
//
//go:embed reissue.example.yaml
var exampleReissue string

func (p *program) template() *cobra.Command {
	var reissue bool
	c := &cobra.Command{
		Use:     "template",
		GroupID: groupApplicant,
		Short:   "申請ファイルの雛形を表示 / Print an order file to start from",
		Long: `説明付きの申請ファイル (YAML) を標準出力に表示します。値を書き換えて「starter submit -f」で申請します。
--reissue は再発行の申請ファイルを表示します (「starter reissue -f」で申請)。
Prints a commented order file (YAML). Change the values and hand it in with "starter submit -f". With --reissue it is the file for
a reissue, handed in with "starter reissue -f".`,
		Example: `  starter template > order.yaml
  starter template --reissue > reissue.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text := exampleOrder
			if reissue {
				text = exampleReissue
			}
			p.out.Printf("%s", text)
			return nil
		},
	}
	c.Flags().BoolVar(&reissue, "reissue", false, "再発行の申請ファイル / the file for a reissue")
	return c
}
