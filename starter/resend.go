package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) resend() *cobra.Command {
	c := &cobra.Command{
		Use:     "resend ORDER",
		GroupID: groupStaff,
		Short:   "ドメイン認証の案内を再送 / Send the validation information again",
		Long: `ドメイン認証の案内を再送します。DNSとファイルは同じ値、メール認証は新しいリンクになります。
Sends the validation information again: the same value for DNS and file, new links for e-mail.`,
		Example: "  starter resend 1234567890",
		Args:    cobra.ExactArgs(1),
	}
	return p.act(c, func(a order.Actor, _ []string) (order.Command, error) { return order.ChallengeResent{Actor: a}, nil })
}
