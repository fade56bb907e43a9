package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) review() *cobra.Command {
	var approve, refuse bool
	var o order.ReviewDecided
	c := &cobra.Command{
		Use:     "review ORDER --approve|--refuse --reason TEXT",
		GroupID: groupStaff,
		Short:   "再発行の内容を確認した結果を記録 / Decide on a reissue",
		Long: `再発行の申請を確認した結果を記録します。承認するとドメイン認証に進みます。承認しない場合の理由は申請者へのメールに記載されます。
元の証明書の候補が複数ある場合は、「starter status」で候補を確認し、--original でオーダー番号またはシリアル番号を指定します。
Records the outcome of the review of a reissue. Approved, it goes on to the validation of its domain. Refused, it ends, and the
applicant reads the reason by mail. Where several certificates fit, "starter status" lists them and --original names the right one.`,
		Example: `  starter review 1234567890 --approve
  starter review 1234567890 --approve --original 4A:0B:1C
  starter review 1234567890 --refuse --reason "申請責任者に申請の覚えがありません。"`,
		Args: cobra.ExactArgs(1),
	}
	flags := c.Flags()
	flags.BoolVar(&approve, "approve", false, "承認 / approve")
	flags.BoolVar(&refuse, "refuse", false, "不承認 / refuse")
	flags.StringVar(&o.Reason, "reason", "", "理由 (不承認の場合は必須、申請者に伝わります) / reason (required with --refuse, told to the applicant)")
	flags.StringVar(&o.Original, "original", "", "元の証明書のオーダー番号またはシリアル番号 / order or serial number of the original")
	return p.actAsStaff(c, func(a order.Actor, _ []string) (order.Command, error) {
		if approve == refuse {
			return nil, wrongUsage("--approve または --refuse のどちらか一方を指定してください。", "Give one of --approve and --refuse.")
		}
		o.Actor, o.Approved = a, &approve
		return o, nil
	})
}
