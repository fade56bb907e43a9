package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) check() *cobra.Command {
	c := &cobra.Command{
		Use:     "check ORDER",
		GroupID: groupApplicant,
		Short:   "ドメイン認証を今すぐ確認 / Look for the domain's proof now",
		Long: `DNSレコードまたは認証ファイルを今すぐ確認し、見えたものを表示します。次回の自動確認を待つ必要はありません。
Looks for the DNS record or file at once and says what it saw, instead of waiting for the next automatic check.`,
		Example: "  starter check 1234567890",
		Args:    cobra.ExactArgs(1),
	}
	return p.act(c, func(a order.Actor, _ []string) (order.Command, error) { return order.DomainCheckNow{Actor: a}, nil })
}
