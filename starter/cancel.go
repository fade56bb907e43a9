package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) cancel() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "cancel ORDER --reason TEXT",
		GroupID: groupStaff,
		Short:   "申請者の希望で取り消す / Cancel at the applicant's wish",
		Long: `申請者の希望により申請を取り消します。バウチャーは未使用に戻ります。
Ends the order at the applicant's wish; the voucher becomes unused again.`,
		Example: `  starter cancel 1234567890 --reason "申請者からの連絡" --actor applicant`,
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&reason, "reason", "", "理由 (必須) / reason (required)")
	return p.act(c, func(a order.Actor, _ []string) (order.Command, error) {
		return order.OrderCancelled{Actor: a, Reason: reason}, nil
	})
}
