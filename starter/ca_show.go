package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// authorityView is an issuing CA as "ca show" prints it.
type authorityView struct {
	ID         string    `json:"id"`
	Subject    string    `json:"subject"`
	Issuer     string    `json:"issuer"`
	SHA256     string    `json:"sha256"` // of the certificate, DER
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	CRL        int64     `json:"crl,omitempty"` // number of the current list
	NextUpdate time.Time `json:"next_update,omitzero"`
	LastExpiry time.Time `json:"last_expiry,omitzero"` // of its certificates: until then it signs lists
}

func (p *program) caShow() *cobra.Command {
	c := &cobra.Command{
		Use:     "show",
		Short:   "登録済みの発行CAを表示 / Show the issuing CAs in the record",
		Example: "  starter ca show",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.showCAs(cmd.Context()) },
	}
	c.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) showCAs(ctx context.Context) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		all, err := d.Records.IssuingCAs(ctx)
		if err != nil {
			return err
		}
		views := make([]authorityView, 0, len(all))
		for _, issuing := range all {
			view, err := viewCA(ctx, d, issuing)
			if err != nil {
				return err
			}
			views = append(views, view)
		}
		if p.json {
			return p.printJSON(views)
		}
		p.printCAs(views)
		return nil
	})
}

func viewCA(ctx context.Context, d *app.Desk, issuing order.IssuingCA) (authorityView, error) {
	cert, err := x509.ParseCertificate(issuing.DER)
	if err != nil {
		return authorityView{}, fmt.Errorf("stored CA certificate %s: %w", issuing.ID, err)
	}
	sum := sha256.Sum256(issuing.DER)
	view := authorityView{
		ID: issuing.ID, Subject: cert.Subject.String(), Issuer: cert.Issuer.String(), SHA256: hex.EncodeToString(sum[:]),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}
	crl, err := d.Records.CRL(ctx, issuing.ID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return view, err
	}
	view.CRL, view.NextUpdate = crl.Number, crl.NextUpdate
	view.LastExpiry, err = d.Records.LastExpiry(ctx, issuing.ID)
	return view, err
}

func (p *program) printCAs(views []authorityView) {
	if len(views) == 0 {
		p.err.Println(p.say("発行CAは登録されていません。「starter ca init」で作成します。", "No issuing CA yet. \"starter ca init\" makes one."))
	}
	for _, v := range views {
		p.out.Println(p.out.Bold(v.ID), cli.Plain(v.Subject))
		p.fact("発行者", "issuer", cli.Plain(v.Issuer))
		p.fact("有効期間", "validity", p.at(v.NotBefore)+" - "+p.at(v.NotAfter))
		p.fact("SHA-256", "SHA-256", v.SHA256)
		p.fact("最後の証明書の期限", "last certificate ends", p.at(v.LastExpiry))
		switch {
		case v.CRL == 0:
			p.fact("CRL", "CRL", p.out.Red(p.say("未公開", "none published")))
		case v.NextUpdate.Before(p.clock()):
			p.fact("CRL", "CRL", p.out.Red(fmt.Sprintf("%d, %s %s", v.CRL, p.say("更新期限切れ", "overdue since"), p.at(v.NextUpdate))))
		default:
			p.fact("CRL", "CRL", fmt.Sprintf("%d, %s %s", v.CRL, p.say("次回更新", "next update"), p.at(v.NextUpdate)))
		}
	}
}
