package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
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
	InService  bool      `json:"in_service"`           // it owes lists
	Late       bool      `json:"late,omitempty"`       // the list that it owes is missing, over, or nears its end without a successor
}

func (p *program) caShow() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "show",
		Short: "登録済みの発行CAを表示 / Show the issuing CAs in the record",
		Long: `登録済みの発行CAとCRLを表示します。--check を付けると、更新されないまま期限の近づいたCRLがあるとき終了コードが0以外になります (監視用。Temporalは不要です)。
Shows the issuing CAs in the record and their CRLs. With --check it ends with another code than 0 when a CRL nears its end without a successor:
for monitoring, since it needs no Temporal.`,
		Example: "  starter ca show\n  starter ca show --check --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.showCAs(cmd.Context(), check) },
	}
	c.Flags().BoolVar(&check, "check", false, "期限の近いCRLがあれば失敗 / fail when a CRL nears its end")
	c.Flags().BoolVar(&p.json, "json", false, "JSONで表示 / print JSON")
	return c
}

func (p *program) showCAs(ctx context.Context, check bool) error {
	return p.atDesk(ctx, func(d *app.Desk) error {
		views, err := p.authorities(ctx, d)
		if err != nil {
			return err
		}
		if p.json {
			err = p.printJSON(views)
		} else {
			p.printCAs(views)
		}
		if err == nil && check && slices.ContainsFunc(views, func(v authorityView) bool { return v.Late }) {
			err = fault.New(fault.Unavailable, "crl.late", "更新されないまま期限の近づいたCRLがあります。", "A revocation list nears its end, or is over, without a successor.")
		}
		return err
	})
}

func (p *program) authorities(ctx context.Context, d *app.Desk) ([]authorityView, error) {
	all, err := d.Records.IssuerStandings(ctx)
	if err != nil {
		return nil, err
	}
	now := p.clock()
	owing := order.InService(all, now)
	views := make([]authorityView, 0, len(all))
	for _, s := range all {
		view, err := viewCA(s)
		if err != nil {
			return nil, err
		}
		view.InService = slices.ContainsFunc(owing, func(o order.IssuerStanding) bool { return o.CA.ID == s.CA.ID })
		view.Late = view.InService && s.ListLeft(now) < d.Rules.At(now).CRLWarnBefore
		views = append(views, view)
	}
	return views, nil
}

func viewCA(s order.IssuerStanding) (authorityView, error) {
	cert, err := x509.ParseCertificate(s.CA.DER)
	if err != nil {
		return authorityView{}, fmt.Errorf("stored CA certificate %s: %w", s.CA.ID, err)
	}
	sum := sha256.Sum256(s.CA.DER)
	return authorityView{
		ID: s.CA.ID, Subject: cert.Subject.String(), Issuer: cert.Issuer.String(), SHA256: hex.EncodeToString(sum[:]),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, CRL: s.List.Number, NextUpdate: s.List.NextUpdate, LastExpiry: s.LastExpiry,
	}, nil
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
		case !v.InService:
			p.fact("CRL", "CRL", p.say("不要 (有効な証明書なし)", "none is owed: no certificate of it is valid any more"))
		case v.CRL == 0:
			p.fact("CRL", "CRL", p.out.Red(p.say("未公開", "none published")))
		case v.NextUpdate.Before(p.clock()):
			p.fact("CRL", "CRL", p.out.Red(fmt.Sprintf("%d, %s %s", v.CRL, p.say("更新期限切れ", "overdue since"), p.at(v.NextUpdate))))
		case v.Late:
			p.fact("CRL", "CRL", p.out.Yellow(fmt.Sprintf("%d, %s %s", v.CRL, p.say("更新が滞っています。期限", "has no successor and ends"), p.at(v.NextUpdate))))
		default:
			p.fact("CRL", "CRL", fmt.Sprintf("%d, %s %s", v.CRL, p.say("次回更新", "next update"), p.at(v.NextUpdate)))
		}
	}
}
