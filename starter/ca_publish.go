package main

import (
	"context"

	"github.com/spf13/cobra"

	"securemailid.example/activities"
	"securemailid.example/internal/app"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/config"
)

func (p *program) caPublish() *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use:   "publish",
		Short: "発行CAとCRLをデータベースに登録 / Put the issuing CA and a CRL into the record",
		Long: `SMID_CA_DIR のすべての発行CAの証明書と、期限が近ければ新しいCRLを登録します。ポータルがそれらを公開します。繰り返し実行できます。
--now を付けると、期限にかかわらず新しいCRLを発行します。通常はworkerが自動で行います。
Puts every issuing CA of SMID_CA_DIR into the record, each with a new CRL where the last one is due. The portal serves them.
Running it again does nothing. --now publishes new CRLs in any case. Workers do all this by themselves.`,
		Example: "  starter ca publish",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load[config.CA](p)
			if err != nil {
				return err
			}
			return p.atDesk(cmd.Context(), func(d *app.Desk) error { return p.publishCA(cmd.Context(), d, cfg, now) })
		},
	}
	c.Flags().BoolVar(&now, "now", false, "期限前でも新しいCRLを発行 / new CRLs even where none is due")
	return c
}

func (p *program) publishCA(ctx context.Context, d *app.Desk, cfg config.CA, now bool) error {
	authority, err := app.LoadAuthority(cfg, d.Rules, p.getenv("SMID_PUBLIC_URL"), p.clock)
	if err != nil {
		return err
	}
	publishing := app.Publishing(d.Records, authority, d.Rules, p.clock)
	if _, err := publishing.PublishCRLs(ctx, activities.PublishInput{IfDue: !now}); err != nil {
		return err
	}
	for _, c := range authority.All() {
		if err := p.published(ctx, d, c); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) published(ctx context.Context, d *app.Desk, authority *ca.CA) error {
	crl, err := d.Records.CRL(ctx, authority.ID())
	if err != nil {
		return err
	}
	p.out.Println(p.say("登録済みの発行CA", "issuing CA in the record")+":", authority.ID())
	p.out.Println("CRL:", crl.Number, p.say("次回更新", "next update"), p.at(crl.NextUpdate))
	return nil
}
