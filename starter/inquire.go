package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) inquire() *cobra.Command {
	c := &cobra.Command{
		Use:     "inquire ORDER QUESTION",
		GroupID: groupStaff,
		Short:   "技術担当者に問い合わせ / Ask the technical contact",
		Long: `技術担当者にお問い合わせのメールを送ります。回答が記録されるまで証明書は発行されません。
Mails a question to the technical contact. No certificate is issued before the answer is recorded.`,
		Example: `  starter inquire 1234567890 "英語の申請団体名の根拠をお知らせください。"`,
		Args:    cobra.ExactArgs(2),
	}
	return p.actAsStaff(c, func(a order.Actor, args []string) (order.Command, error) {
		return order.InquiryOpened{Actor: a, Question: args[0]}, nil
	})
}
