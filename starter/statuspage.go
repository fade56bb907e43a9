package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// statusPage prints everything that is known of an order, the most pressing first.
func (p *program) statusPage(s order.Status) {
	p.out.Println(p.out.Bold(p.say("オーダー", "Order")+" "+s.Number), p.state(s.State))
	p.out.Println(p.stages(s))
	p.blocked(s)
	p.out.Println()
	p.facts(s)
	p.reissued(s.Reissue)
	p.reuse(s.Reuse)
	p.waiting(s)
	p.challenge(s.Challenge)
	p.steps(s)
	p.inquiries(s.Inquiries)
	p.letters(s.Letters)
	p.certificates(s)
	p.reissues(s.Reissues)
	p.timeline(s.Timeline)
}

// stageNames are the stages of the progress line.
var stageNames = map[order.State]fault.Text{
	order.Accepted:               {JA: "受付", EN: "application"},
	order.Review:                 {JA: "内容確認", EN: "review"},
	order.DomainValidation:       {JA: "ドメイン認証", EN: "domain"},
	order.OrganizationValidation: {JA: "組織認証", EN: "organisation"},
	order.Issuing:                {JA: "発行処理", EN: "issuance"},
	order.Issued:                 {JA: "発行", EN: "certificate"},
}

// stages is the progress line: what is behind, where the order is, what is to come.
func (p *program) stages(s order.Status) string {
	all := []order.State{order.Accepted, order.DomainValidation, order.OrganizationValidation, order.Issuing, order.Issued}
	if s.Type == order.Reissue {
		all = append([]order.State{order.Accepted, order.Review}, all[1:]...)
	}
	reached := slices.Index(all, s.State)
	if ended := s.State.Final() && s.State != order.Issued; ended {
		reached = slices.Index(all, s.Reached)
	}
	parts := make([]string, 0, len(all)+1)
	for i, st := range all {
		switch name := p.lang.Of(stageNames[st]); {
		case i < reached, s.State == order.Issued:
			parts = append(parts, p.out.Green("[x] "+name))
		case i == reached && !s.State.Final():
			parts = append(parts, p.out.Yellow("[>] "+name))
		default:
			parts = append(parts, p.out.Dim("[ ] "+name))
		}
	}
	if s.State.Final() && s.State != order.Issued {
		parts = append(parts, p.out.Red("[!] "+p.lang.Of(stateNames[s.State])))
	}
	return strings.Join(parts, " ")
}

// blocked says before everything else what keeps the certificate from being issued.
func (p *program) blocked(s order.Status) {
	if s.Blocked == (fault.Text{}) || s.State.Final() {
		return
	}
	p.out.Println(p.out.Red(p.say("[!] 発行できません", "[!] No certificate can be issued")) + " (" + p.say("検出", "found") + " " + p.at(s.BlockedAt) + ")")
	p.prose(s.Blocked)
}

// fact prints a labelled line.
func (p *program) fact(ja, en, value string) {
	p.out.Println("  " + cli.Pad(p.say(ja, en)+":", p.labelWidth()) + " " + value)
}

// known prints a labelled line where there is something to print.
func (p *program) known(ja, en, value string) {
	if value != "" {
		p.fact(ja, en, value)
	}
}

func (p *program) labelWidth() int {
	if p.lang == cli.Both {
		return 46
	}
	return 24
}

var typeNames = map[order.Type]fault.Text{
	order.New: {JA: "新規", EN: "new"}, order.Renewal: {JA: "更新", EN: "renewal"}, order.Reissue: {JA: "再発行", EN: "reissue"},
}

func (p *program) facts(s order.Status) {
	p.fact("申請区分", "type", p.lang.Of(typeNames[s.Type])+", "+p.say(fmt.Sprintf("%d年", s.ValidityYears), fmt.Sprintf("%d year(s)", s.ValidityYears)))
	p.renews(s)
	p.known("メールアドレス", "certificate address", cli.Plain(s.CertificateEmail))
	p.known("証明書の記載内容", "certified as", cli.Plain(subjectLine(s.Subject)))
	p.people(s)
	p.fact("受付日時", "accepted", p.at(s.CreatedAt))
	p.fact("現在の状態の開始", "in this state since", p.at(s.StateSince))
	if !s.State.Final() {
		p.fact("期限", "deadline", p.at(s.DeadlineAt)+" "+p.distance(s.DeadlineAt))
	}
	if s.Reason != "" {
		p.fact("理由", "reason", cli.Plain(s.Reason))
	}
	if s.Refusals > 0 {
		p.fact("適用できなかった操作", "messages refused", p.out.Yellow(fmt.Sprint(s.Refusals)))
	}
}

// people says who applied and whom to phone (G11, G12, G20). The telephone number of the form is no source for the call, and says so.
func (p *program) people(s order.Status) {
	a := s.Application
	if a.Organization.NameJA == "" {
		return
	}
	r, c := a.Representative, a.TechnicalContact
	p.fact("申請団体", "applicant", cli.Plain(joined(", ", a.Organization.NameJA, joined(" ", a.Organization.PostalCode, a.Organization.Street))))
	p.known("電話番号 (申請書の記載)", "telephone as in the form", cli.Plain(a.Organization.Telephone))
	p.fact("申請責任者", "representative", cli.Plain(fmt.Sprintf("%s %s %s (%s %s) %s", r.Department, r.FamilyNameJA, r.GivenNameJA, r.GivenName, r.FamilyName, r.Email)))
	p.fact("技術担当者", "technical contact", cli.Plain(fmt.Sprintf("%s %s, %s %s, %s, %s", c.Company, c.Department, c.GivenName, c.FamilyName, c.Telephone, c.Email)))
}

func subjectLine(s order.Subject) string {
	return joined(", ", s.Organization, s.Unit, s.City, s.State, s.Identifier)
}

// joined puts what is not empty together.
func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}

func (p *program) heading(ja, en string) { p.out.Println("\n" + p.out.Bold(p.say(ja, en))) }

func (p *program) waiting(s order.Status) {
	if len(s.Awaited) == 0 {
		return
	}
	p.heading("お待ちしているもの", "Awaited")
	for _, a := range s.Awaited {
		p.out.Println("  - " + p.awaited(a))
	}
}

func (p *program) challenge(c *order.ChallengeView) {
	if c == nil {
		return
	}
	p.heading("ドメイン認証", "Domain validation")
	p.fact("方式", "method", string(c.Method)+fmt.Sprintf(" (#%d)", c.Sequence))
	if !c.SatisfiedAt.IsZero() {
		p.fact("完了", "validated", p.out.Green(p.at(c.SatisfiedAt)))
		return
	}
	if c.Token != "" {
		p.fact("認証用の値", "random value", cli.Plain(c.Token))
	}
	p.fact("値の有効期限", "value expires", p.at(c.ExpiresAt))
	if !c.MailsAfter.IsZero() {
		p.fact("承認メール", "approval mails", p.out.Yellow(p.say("このドメインへの送信が多いため見合わせ。再送できるのは", "withheld: the domain has had too many. Can be sent from")+" "+p.at(c.MailsAfter)))
	}
	if !c.LastCheckAt.IsZero() {
		p.fact("前回の確認", "last check", fmt.Sprintf("%s (%d)", p.at(c.LastCheckAt), c.Checks))
		p.prose(c.LastFinding)
	}
	if !c.NextCheckAt.IsZero() {
		p.fact("次回の確認", "next check", p.at(c.NextCheckAt)+" "+p.distance(c.NextCheckAt))
	}
}

func (p *program) steps(s order.Status) {
	if (s.State.Final() || s.Reuse.Live(order.OrganizationEvidence) != nil) && s.Phone == (order.PhoneSteps{}) {
		return
	}
	p.heading("電話による組織認証", "Organisation validation by telephone")
	for _, step := range []struct {
		ja, en string
		at     time.Time
	}{
		{"電話番号の確認", "number established", s.Phone.NumberVerifiedAt},
		{"申請責任者への取次ぎ", "representative reached", s.Phone.ReachedAt},
		{"本人の確認", "representative confirmed", s.Phone.ConfirmedAt},
	} {
		mark := "[ ] "
		if !step.at.IsZero() {
			mark = p.out.Green("[x] ")
		}
		p.out.Println("  " + mark + cli.Pad(p.say(step.ja, step.en), p.labelWidth()) + " " + p.at(step.at))
	}
	if s.PhoneNumber != "" {
		p.fact("電話番号", "number", cli.Plain(s.PhoneNumber))
		p.fact("情報源", "source", p.lang.Of(sourceNames[s.PhoneSource]))
		p.fact("参照先", "reference", cli.Plain(s.PhoneReference))
	}
}

// sourceNames are the sources of telephone numbers (G20).
var sourceNames = map[order.PhoneSource]fault.Text{
	order.SourceGovernment:  {JA: "公的機関", EN: "government"},
	order.SourceDirectory:   {JA: "電話帳", EN: "telephone directory"},
	order.SourceDatabase:    {JA: "民間の企業情報データベース", EN: "commercial database"},
	order.SourceAttestation: {JA: "弁護士などの証明書", EN: "attestation letter"},
}

func (p *program) inquiries(all []order.Inquiry) {
	if len(all) == 0 {
		return
	}
	p.heading("お問い合わせ", "Inquiries")
	for _, q := range all {
		p.out.Println("  " + p.at(q.OpenedAt) + "  Q: " + cli.Plain(q.Question))
		if q.AnsweredAt.IsZero() {
			p.out.Println("    " + p.out.Yellow(p.say("回答待ち", "no answer yet")))
			continue
		}
		p.out.Println("  " + p.at(q.AnsweredAt) + "  A: " + cli.Plain(q.Answer))
	}
}

// letters shows the mails that have not arrived: the others are in the timeline.
func (p *program) letters(all []order.LetterView) {
	var late []order.LetterView
	for _, l := range all {
		if l.State == order.LetterFailed || l.State == order.LetterPending && l.Attempts > 0 {
			late = append(late, l)
		}
	}
	if len(late) == 0 {
		return
	}
	p.heading("届いていないメール", "Mails not delivered")
	for _, l := range late {
		state := p.out.Yellow(p.say("再試行中", "will be tried again"))
		if l.State == order.LetterFailed {
			state = p.out.Red(p.say("送信失敗", "refused for good"))
		}
		p.out.Println(fmt.Sprintf("  - %s -> %s: %s (%d)", p.lang.Of(letterNames[l.Kind]), cli.Plain(l.Recipient), state, l.Attempts))
		if l.LastReply != "" {
			p.out.Println("    " + p.out.Dim(cli.Plain(l.LastReply)))
		}
	}
}

func (p *program) certificates(s order.Status) {
	if len(s.Certificates) == 0 {
		return
	}
	p.heading("証明書", "Certificates")
	for _, c := range s.Certificates {
		p.out.Println(fmt.Sprintf("  #%d  %s %s", c.Sequence, p.say("シリアル番号", "serial"), c.Serial))
		p.out.Println(fmt.Sprintf("      %s - %s", p.at(c.NotBefore), p.at(c.NotAfter)))
		if !c.RevokedAt.IsZero() {
			p.out.Println("      " + p.out.Red(p.say("失効", "revoked")+" "+p.at(c.RevokedAt)+" "+c.Reason))
		}
	}
	for _, r := range s.Revocations {
		if !r.Done() {
			p.out.Println("  " + p.out.Yellow(p.say("失効の手続き中、期限", "revocation under way, due")+" "+p.at(r.DueAt)) + " " + r.ID)
		}
	}
	p.out.Println("  " + p.say("ダウンロード", "download") + ": starter download " + s.Number)
}

func (p *program) timeline(events []order.Event) {
	if len(events) == 0 {
		return
	}
	p.heading("履歴", "History")
	for _, e := range events {
		p.out.Println("  " + p.event(e))
	}
}

// event is one line of the timeline.
func (p *program) event(e order.Event) string {
	line := p.at(e.At) + "  " + cli.Plain(p.action(e.Action)) + "  " + p.out.Dim(cli.Plain(e.Actor))
	if e.Detail != "" {
		line += "  " + p.out.Dim(cli.Plain(e.Detail))
	}
	return line
}

// prose prints a text, indented and as wide as the terminal; without one its lines are left whole.
func (p *program) prose(t fault.Text) {
	for _, line := range p.lang.Lines(t) {
		lines := []string{cli.Plain(line)}
		if p.out.Terminal {
			width, _ := p.out.Size()
			lines = cli.Wrap(lines[0], width-5)
		}
		for _, l := range lines {
			p.out.Println("    " + l)
		}
	}
}

// distance says how far t is from now, in the largest fitting unit.
func (p *program) distance(t time.Time) string {
	d := t.Sub(p.clock())
	if d <= 0 {
		return p.say("(経過)", "(past)")
	}
	units := []struct {
		span   time.Duration
		ja, en string
	}{{24 * time.Hour, "日", "d"}, {time.Hour, "時間", "h"}, {time.Minute, "分", "min"}, {time.Second, "秒", "s"}}
	for _, u := range units {
		if n := int(d / u.span); n > 0 {
			return p.say(fmt.Sprintf("(約%d%s後)", n, u.ja), fmt.Sprintf("(in %d %s)", n, u.en))
		}
	}
	return p.say("(まもなく)", "(now)")
}
