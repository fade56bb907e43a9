package main

import (
	_ "embed"

	"github.com/spf13/cobra"
)

// exampleOrder is the order file that people start from.
//
//go:embed order.example.yaml
var exampleOrder string

func (p *program) template() *cobra.Command {
	return &cobra.Command{
		Use:     "template",
		GroupID: groupApplicant,
		Short:   "申請ファイルの雛形を表示 / Print an order file to start from",
		Long: `説明付きの申請ファイル (YAML) を標準出力に表示します。値を書き換えて「starter submit -f」で申請します。
Prints a commented order file (YAML). Change the values and hand it in with "starter submit -f".`,
		Example: "  starter template > order.yaml",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p.out.Printf("%s", exampleOrder)
			return nil
		},
	}
}
