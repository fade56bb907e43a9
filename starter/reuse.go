package main

import (
	"fmt"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// evidenceNames are the validations that can be reused (G16).
var evidenceNames = map[order.EvidenceKind]fault.Text{
	order.DomainEvidence:       {JA: "ドメイン認証", EN: "domain validation"},
	order.OrganizationEvidence: {JA: "組織認証", EN: "organisation validation"},
}

var basisNames = map[order.ReuseBasis]fault.Text{
	order.ReuseByConfirmation: {JA: "申請責任者の回答による", EN: "by the representative's answer"},
	order.ReuseByPhone:        {JA: "電話での確認による", EN: "by the phone call"},
}

// renews says which certificate a renewal renews (G3).
func (p *program) renews(s order.Status) {
	switch r := s.Renews; {
	case r != nil:
		p.fact("更新する証明書", "renews", fmt.Sprintf("%s #%d, %s %s, %s %s", r.Order, r.Sequence, p.say("シリアル番号", "serial"), r.Serial, p.say("期限", "ends"), p.at(r.NotAfter)))
	case s.Type == order.Renewal:
		p.fact("更新する証明書", "renews", p.say("該当なし (新規として処理)", "nothing: treated as a new application"))
	}
}

// reuse says what the representative was asked, what they answered, and what is reused from which order.
func (p *program) reuse(v *order.ReuseView) {
	if v == nil {
		return
	}
	p.heading("以前の認証の再利用", "Reuse of earlier validations")
	if !v.AskedAt.IsZero() {
		p.fact("申請責任者への確認", "representative asked", p.at(v.AskedAt))
		p.fact("回答", "answer", p.reuseAnswer(v))
	}
	for _, e := range v.Reused {
		mark := p.out.Green("[x] ")
		if !e.EndedAt.IsZero() {
			mark = p.out.Red("[!] ")
		}
		p.out.Println(fmt.Sprintf("  %s%s: %s %s (%s), %s %s", mark, p.lang.Of(evidenceNames[e.Kind]), p.say("オーダー", "order"), e.Order, p.at(e.At),
			p.at(e.ReusedAt), p.lang.Of(basisNames[e.Basis])))
		if !e.EndedAt.IsZero() {
			p.out.Println("      " + p.at(e.EndedAt) + "  " + cli.Plain(p.lang.Of(e.Why.Text())))
		}
	}
}

func (p *program) reuseAnswer(v *order.ReuseView) string {
	switch {
	case v.AnsweredAt.IsZero():
		return p.say("未回答 (待機 "+p.at(v.Until)+" まで)", "none yet, waited for until "+p.at(v.Until))
	case v.Denied:
		return p.out.Red(p.say("自分の申請ではない (なりすましのおそれ)", "not theirs: somebody else may have applied in their name")) + " " + p.at(v.AnsweredAt)
	default:
		return p.out.Green(p.say("自分の申請である", "theirs")) + " " + p.at(v.AnsweredAt)
	}
}
