package main

import (
	"fmt"
	"strings"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// reissueReasons are why a certificate is issued again (G24).
var reissueReasons = map[order.ReissueReason]fault.Text{
	order.KeyLost:       {JA: "秘密鍵の紛失・破損", EN: "the private key is lost"},
	order.KeyCompromise: {JA: "秘密鍵の漏えい (そのおそれを含む)", EN: "the private key is or may be known to others"},
	order.NewDevice:     {JA: "機器・メールソフトの変更", EN: "a new device or mail program"},
	order.OtherReason:   {JA: "その他", EN: "another reason"},
}

// reissued says what a reissue is of, or what staff have to choose from.
func (p *program) reissued(r *order.ReissueView) {
	if r == nil {
		return
	}
	p.heading("再発行", "Reissue")
	p.fact("理由", "reason", p.lang.Of(reissueReasons[r.Reason]))
	for line := range strings.Lines(r.ReasonText) {
		p.out.Println("    " + cli.Plain(strings.TrimSpace(line)))
	}
	p.fact("元の証明書として入力された内容", "named by", cli.Plain(r.Asked))
	if r.Original != nil {
		p.original(*r.Original)
		return
	}
	p.out.Println("  " + p.out.Yellow(p.candidates(len(r.Candidates))))
	for _, c := range r.Candidates {
		p.original(c)
	}
}

// candidates says what the review has to choose from.
func (p *program) candidates(n int) string {
	switch n {
	case 0:
		return p.say("当てはまる証明書は現在ありません", "no certificate fits at present")
	case 1:
		return p.say("当てはまる証明書は1件です。審査で確認してください", "one certificate fits: the review confirms it")
	default:
		return p.say("候補が複数あります。審査で1つを選んでください (--original)", "several certificates fit: the review chooses one (--original)")
	}
}

func (p *program) original(c order.OriginalView) {
	p.out.Println(fmt.Sprintf("  - %s %s #%d  %s %s", p.say("オーダー", "order"), c.Order, c.Sequence, p.say("シリアル番号", "serial"), c.Serial))
	p.out.Println("      " + cli.Plain(c.Email+"  "+c.Organization))
	p.out.Println(fmt.Sprintf("      %s - %s", p.at(c.IssuedAt), p.at(c.NotAfter)))
	if !c.RevokedAt.IsZero() {
		p.out.Println("      " + p.out.Red(p.say("失効済み", "revoked")+" "+p.at(c.RevokedAt)))
	}
}

// reissues shows who has asked for the order's certificates again: an open request keeps others out until it is decided.
func (p *program) reissues(all []order.ReissueOf) {
	if len(all) == 0 {
		return
	}
	p.heading("この証明書の再発行の申請", "Requests to issue its certificates again")
	for _, r := range all {
		p.out.Println("  " + p.at(r.AskedAt) + "  " + p.say("オーダー", "order") + " " + r.Number + "  " + p.state(r.State))
		switch {
		case r.Holds && r.Undecided:
			p.out.Println("    " + p.out.Yellow(p.say("審査で元の証明書を選ぶまで、ほかの再発行の申請を受け付けません", "until the review has chosen the original, no other request is accepted")))
		case r.Holds:
			p.out.Println("    " + p.out.Yellow(p.say("終わるまで、ほかの再発行の申請を受け付けません", "until it has ended, no other request is accepted")))
		}
	}
}
