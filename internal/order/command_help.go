package order

// commandHelp says of a command what it reports and how such a message looks.
type commandHelp struct{ ja, en, example string }

// commands are described where people send them by hand: in the Temporal UI, and in docs/operations.md, which a test compares with this table.
var commands = map[CommandName]commandHelp{
	CmdPhoneNumberVerified: {
		"電話認証1: 団体の電話番号を独立した情報源で確認した", "phone step 1: the organisation's number was found in an independent source",
		`{"actor":"staff/ops","number":"03-1234-5600","source":"government","reference":"public register"}`,
	},
	CmdRepresentativeReached: {
		"電話認証2: その番号から申請責任者につながった (transferred) か、連絡先を得た (contact-number)",
		"phone step 2: that number led to the representative (transferred), or to a number of theirs (contact-number)",
		`{"actor":"staff/ops","how":"transferred"}`,
	},
	CmdRepresentativeConfirmed: {
		"電話認証3: 申請責任者本人が申請を確認した", "phone step 3: the representative confirmed the application in person",
		`{"actor":"staff/ops"}`,
	},
	CmdSubjectCorrected: {
		"証明書に記載する内容を、確認できた情報に訂正", "what is certified is corrected to what was validated",
		`{"actor":"staff/ops","organization":"Sample Trading K.K.","reason":"public register"}`,
	},
	CmdInquiryOpened: {
		"技術担当者に質問。回答まで発行しない", "a question to the technical contact; nothing is issued before the answer",
		`{"actor":"staff/ops","question":"Is the department name right?"}`,
	},
	CmdInquiryAnswered: {"質問への回答", "the answer to the question", `{"actor":"staff/ops","answer":"Yes, it is."}`},
	CmdReviewDecided: {
		"再発行の審査の結果。候補が複数なら original にシリアル番号", "the review of a reissue; original names one of several certificates",
		`{"actor":"staff/ops","approved":true}`,
	},
	CmdOrderRejected: {
		"却下して終了。distrust は、再利用した認証も無効にする", "the order ends rejected; distrust makes what it reused worthless, too",
		`{"actor":"staff/ops","reason":"The organisation could not be confirmed."}`,
	},
	CmdDomainApproved: {
		"ドメイン名の管理者の回答 (承認ページから)", "the domain owner's answer, by the approval page",
		`{"actor":"domain-owner","link":"8c0d3a52-0000-4000-8000-000000000001","approved":true}`,
	},
	CmdDomainCheckNow: {"ドメイン名を今すぐ確認", "look at the domain now", `{"actor":"staff/ops"}`},
	CmdDomainMethodChanged: {
		"認証方式の変更: email、file、dns-txt、dns-cname", "another validation method: email, file, dns-txt, dns-cname",
		`{"actor":"staff/ops","method":"dns-txt"}`,
	},
	CmdChallengeResent: {"ドメイン名認証の案内を再送", "the validation information is sent again", `{"actor":"staff/ops"}`},
	CmdOrderCancelled: {
		"申請者の希望で取り消す", "the order ends at the applicant's wish",
		`{"actor":"staff/ops","reason":"The applicant asked for it by phone."}`,
	},
	CmdReuseConfirmed: {
		"申請責任者の回答: 自分の申請か (確認ページから)", "the representative's answer whether the application is theirs, by the confirmation page",
		`{"actor":"representative","link":"8c0d3a52-0000-4000-8000-000000000002","approved":true}`,
	},
}

// Description is what people read who send the command by hand: what it reports, and an example of its JSON.
func (n CommandName) Description() string {
	h := commands[n]
	return h.ja + " / " + h.en + ": " + h.example
}
