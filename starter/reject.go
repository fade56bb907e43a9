package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) reject() *cobra.Command {
	var reason string
	var distrust bool
	c := &cobra.Command{
		Use:     "reject ORDER --reason TEXT",
		GroupID: groupStaff,
		Short:   "認証できない申請を却下 / Reject an order that cannot be validated",
		Long: `申請を却下します。理由は申請者へのメールに記載されます。バウチャーは未使用に戻ります。
この申請で行った認証は、以後再利用されません。--distrust を付けると、この申請が再利用した以前の認証も、すべての申請で無効になります。
Ends the order. The applicant reads the reason by mail; the voucher becomes unused again. What it has validated is never reused; with
--distrust neither is what it had reused, by any order.`,
		Example: `  starter reject 1234567890 --reason "組織の実在を確認できませんでした。"
  starter reject 1234567890 --distrust --reason "申請責任者の在籍を確認できませんでした。"`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&reason, "reason", "", "理由 (必須、申請者に伝わります) / reason (required, told to the applicant)")
	c.Flags().BoolVar(&distrust, "distrust", false, "再利用した以前の認証も無効にする / also invalidate the earlier validations that it reused")
	return p.actAsStaff(c, func(a order.Actor, _ []string) (order.Command, error) {
		return order.OrderRejected{Actor: a, Reason: reason, Distrust: distrust}, nil
	})
}
