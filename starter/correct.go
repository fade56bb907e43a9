package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) correct() *cobra.Command {
	var o order.SubjectCorrected
	c := &cobra.Command{
		Use:     "correct ORDER --reason TEXT [--organization …] [--state …] …",
		GroupID: groupStaff,
		Short:   "証明書の記載内容を訂正 / Correct the subject",
		Long: `証明書に記載する組織情報を、認証で確認した内容に訂正します。指定しない項目は変わりません。
Replaces what the certificate will say of the organisation by what has been validated. What is not given stays as it is.`,
		Example: `  starter correct 1234567890 --organization "Sample Trading K.K." --reason "登記の英語名称"
  starter correct 1234567890 --remove-unit --reason "not an affiliate"`,
		Args: cobra.ExactArgs(1),
	}
	flags := c.Flags()
	flags.StringVar(&o.Organization, "organization", "", "申請団体名 (英語) / organization")
	flags.StringVar(&o.Unit, "unit", "", "部門名 / organization unit")
	flags.BoolVar(&o.RemoveUnit, "remove-unit", false, "部門名を削除 / leave the unit out")
	flags.StringVar(&o.State, "state", "", "都道府県 / state or province")
	flags.StringVar(&o.City, "city", "", "市区町村 / city or locality")
	flags.StringVar(&o.Identifier, "identifier", "", "組織識別子 / organization identifier, such as NTRJP-…")
	flags.StringVar(&o.Reason, "reason", "", "正しい値の根拠 (必須) / what showed the correct value (required)")
	return p.actAsStaff(c, func(a order.Actor, _ []string) (order.Command, error) {
		o.Actor = a
		for _, text := range []*string{&o.Organization, &o.Unit, &o.State, &o.City} {
			*text = order.CleanCertificateText(*text)
		}
		return o, nil
	})
}
