package main

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// printJSON writes v for programs.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// at shows a moment with its zone, which is Japan's; a zero time is "-".
func (p *program) at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(p.zone).Format("2006-01-02 15:04 MST")
}

// digitsOf narrows s and drops blanks and hyphens; anything but digits then makes it "".
func digitsOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, width.Fold.String(s))
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// stateNames are the states as people read them.
var stateNames = map[order.State]fault.Text{
	order.Accepted:               {JA: "受付済み", EN: "accepted"},
	order.Review:                 {JA: "内容確認中", EN: "under review"},
	order.DomainValidation:       {JA: "ドメイン認証中", EN: "domain validation"},
	order.OrganizationValidation: {JA: "組織認証中", EN: "organisation validation"},
	order.Issuing:                {JA: "発行処理中", EN: "issuing"},
	order.Issued:                 {JA: "発行済み", EN: "issued"},
	order.Rejected:               {JA: "却下", EN: "rejected"},
	order.Cancelled:              {JA: "取消", EN: "cancelled"},
	order.Expired:                {JA: "期限切れ", EN: "expired"},
}

// state names a state, coloured by what it means.
func (p *program) state(s order.State) string {
	name := p.lang.Of(stateNames[s])
	switch {
	case s == order.Issued:
		return p.out.Green(name)
	case s.Final():
		return p.out.Red(name)
	default:
		return p.out.Yellow(name)
	}
}

var partyNames = map[order.Party]fault.Text{
	order.PartyTechnicalContact: {JA: "技術担当者", EN: "technical contact"},
	order.PartyDomainOwner:      {JA: "ドメインの管理者", EN: "domain's administrator"},
	order.PartyStaff:            {JA: "認証担当者", EN: "staff"},
	order.PartyCA:               {JA: "認証局", EN: "the CA"},
	order.PartyRepresentative:   {JA: "申請責任者", EN: "representative"},
}

// awaited says what is awaited and from whom.
func (p *program) awaited(a order.Awaited) string {
	return p.lang.Of(partyNames[a.Party]) + ": " + cli.Plain(p.lang.Of(a.Text))
}

var letterNames = map[order.LetterKind]fault.Text{
	order.LetterReuse:             {JA: "申請責任者への確認依頼", EN: "question to the representative"},
	order.LetterReceipt:           {JA: "受付メール", EN: "receipt"},
	order.LetterReissueReceipt:    {JA: "再発行の受付メール", EN: "receipt of the reissue request"},
	order.LetterReissueNotice:     {JA: "再発行申請のお知らせ (元の証明書の利用者)", EN: "reissue notice (holder of the original)"},
	order.LetterChallenge:         {JA: "ドメイン認証の案内", EN: "validation information"},
	order.LetterApprovalsHeld:     {JA: "承認メール見合わせの案内", EN: "approval mails withheld"},
	order.LetterDomainApproval:    {JA: "ドメイン認証メール", EN: "domain validation"},
	order.LetterInquiry:           {JA: "お問い合わせ", EN: "inquiry"},
	order.LetterCorrected:         {JA: "訂正のお知らせ", EN: "correction"},
	order.LetterReminder:          {JA: "催促", EN: "reminder"},
	order.LetterRejected:          {JA: "却下のお知らせ", EN: "rejection"},
	order.LetterCancelled:         {JA: "取消のお知らせ", EN: "cancellation"},
	order.LetterExpired:           {JA: "期限切れのお知らせ", EN: "expiry"},
	order.LetterIssuedCertificate: {JA: "発行のお知らせ (証明書のメールアドレス)", EN: "issue notice (certificate address)"},
	order.LetterIssuedContact:     {JA: "発行のお知らせ (技術担当者)", EN: "issue notice (technical contact)"},
	order.LetterRevocationLink:    {JA: "失効手続きのリンク", EN: "revocation link"},
	order.LetterRevoked:           {JA: "失効のお知らせ", EN: "revocation notice"},
	order.LetterReportAnswer:      {JA: "通報への回答", EN: "answer to a report"},
	order.LetterRevocationClock:   {JA: "失効期限の警告", EN: "revocation warning"},
	order.LetterExpiryReminder:    {JA: "有効期限のお知らせ", EN: "expiry reminder"},
	order.LetterStatusLink:        {JA: "状況確認のリンク", EN: "status link"},
}
