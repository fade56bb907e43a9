package main

import "securemailid.example/internal/fault"

// actionNames are the actions of the audit trail as people read them.
var actionNames = map[string]fault.Text{
	"order-accepted":           {JA: "申請を受け付けました", EN: "application accepted"},
	"challenge-opened":         {JA: "ドメイン認証を開始しました", EN: "domain validation opened"},
	"domain-validated":         {JA: "ドメイン認証が完了しました", EN: "domain validated"},
	"domain-denied":            {JA: "ドメイン管理者が承認しませんでした", EN: "denied by the domain owner"},
	"domain-approved":          {JA: "ドメイン管理者が回答しました", EN: "answered by the domain owner"},
	"domain-check-now":         {JA: "ドメイン認証の確認を求めました", EN: "domain check asked for"},
	"domain-method-changed":    {JA: "ドメイン認証方式を変更しました", EN: "validation method changed"},
	"challenge-resent":         {JA: "ドメイン認証の案内を再送しました", EN: "validation information sent again"},
	"phone-number-verified":    {JA: "電話番号を確認しました", EN: "telephone number established"},
	"representative-reached":   {JA: "申請責任者につながりました", EN: "representative reached"},
	"representative-confirmed": {JA: "申請責任者が申請を確認しました", EN: "confirmed by the representative"},
	"subject-corrected":        {JA: "証明書の記載内容を訂正しました", EN: "subject corrected"},
	"inquiry-opened":           {JA: "技術担当者に問い合わせました", EN: "inquiry opened"},
	"inquiry-answered":         {JA: "お問い合わせに回答がありました", EN: "inquiry answered"},
	"review-decided":           {JA: "再発行の内容を確認しました", EN: "reissue reviewed"},
	"reuse-asked":              {JA: "申請責任者に、登録済みのアドレスで確認を依頼しました", EN: "the representative was asked at the registered address"},
	"reuse-confirmed":          {JA: "申請責任者が自分の申請であると回答しました", EN: "confirmed by the representative as theirs"},
	"reuse-denied":             {JA: "申請責任者が自分の申請ではないと回答しました", EN: "denied by the representative: not theirs"},
	"reuse-phoned":             {JA: "申請責任者の確認は電話で済みました", EN: "the representative confirmed on the phone instead"},
	"reuse-ended":              {JA: "再利用した認証が無効になりました", EN: "a reused validation does not count any more"},
	"domain-reused":            {JA: "以前のドメイン認証を再利用しました", EN: "domain validation reused"},
	"organization-reused":      {JA: "以前の組織認証を再利用しました", EN: "organisation validation reused"},
	"organization-validated":   {JA: "組織認証が完了しました", EN: "organisation validated"},
	"evidence-invalidated":     {JA: "認証の記録を無効にしました", EN: "evidence invalidated"},
	"certificate-reserved":     {JA: "証明書の内容を確定しました", EN: "certificate content fixed"},
	"certificate-issued":       {JA: "証明書を発行しました", EN: "certificate issued"},
	"order-rejected":           {JA: "申請を却下しました", EN: "order rejected"},
	"order-cancelled":          {JA: "申請を取り消しました", EN: "order cancelled"},
	"order-expired":            {JA: "申請の期限が切れました", EN: "order expired"},
	"letter-sent":              {JA: "メールを送信しました", EN: "mail sent"},
	"letter-failed":            {JA: "メールが届きませんでした", EN: "mail refused"},
	"reminded":                 {JA: "催促のメールを用意しました", EN: "reminder written"},
	"link-added":               {JA: "リンクを発行しました", EN: "link given"},
	"letter-asked":             {JA: "メールの送信を求めました", EN: "mail asked for"},
	"mail-resent":              {JA: "届いていないメールを送り直しました", EN: "undelivered mails sent again"},
	"certificate-revoked":      {JA: "証明書を失効しました", EN: "certificate revoked"},
	"revocation-requested":     {JA: "失効の申し出がありました", EN: "revocation asked for"},
	"revocation-decided":       {JA: "失効の申し出について決定しました", EN: "revocation report decided"},
	"revocation-escalated":     {JA: "失効の期限について警告しました", EN: "clock of a revocation escalated"},
	"revocation-notified":      {JA: "失効の通知を用意しました", EN: "revocation notices written"},
	"revocation-offered":       {JA: "失効手続きのリンクを用意しました", EN: "revocation link written"},
	"message-refused":          {JA: "適用できない操作がありました", EN: "a message was refused"},
}

// action names an action; one that this program does not know yet is shown as it is stored.
func (p *program) action(name string) string {
	if t, ok := actionNames[name]; ok {
		return p.lang.Of(t)
	}
	return name
}
