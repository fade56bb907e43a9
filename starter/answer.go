package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) answer() *cobra.Command {
	c := &cobra.Command{
		Use:     "answer ORDER ANSWER",
		GroupID: groupStaff,
		Short:   "お問い合わせへの回答を記録 / Record the answer to an inquiry",
		Example: `  starter answer 1234567890 "定款の英語名称の通りです。"
  starter answer 1234567890 "As in our articles of association." --actor applicant`,
		Args: cobra.ExactArgs(2),
	}
	return p.act(c, func(a order.Actor, args []string) (order.Command, error) {
		return order.InquiryAnswered{Actor: a, Answer: args[0]}, nil
	})
}
