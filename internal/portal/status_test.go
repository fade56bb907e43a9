package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// What must never be seen on a status page, whatever state the order is in.
var internals = []string{
	"staff/", "+8133", "+8131", "0312345678", "yellow-pages", "カルテ", "internal reason", "CAA forbids", "refused-message", "550 no such user",
	"technical@example.co.jp", "representative@example.co.jp", "smid-owner@registrar.example.com",
}

// full is the order with everything that staff know of it.
func full(language order.Language, change func(*order.Status)) order.Status {
	s := sampleOrder(language)
	s.StateSince, s.DeadlineAt, s.Reached = now.Add(-time.Hour), now.Add(88*24*time.Hour), s.State
	s.Application.TechnicalContact.FamilyName = "Gijutsu"
	s.PhoneNumber, s.PhoneSource, s.PhoneReference = "+81333334444", order.SourceDirectory, "yellow-pages カルテ"
	s.Refusals = 2
	s.Timeline = []order.Event{
		{At: now.Add(-2 * time.Hour), Actor: "applicant", Action: "order-accepted"},
		{At: now.Add(-119 * time.Minute), Actor: "system", Action: "challenge-opened", Detail: "method=dns-txt"},
		{At: now.Add(-time.Hour), Actor: "staff/ops", Action: "message-refused", Detail: "reason=refused-message"},
	}
	s.Subject = s.Application.Subject()
	txt(&s)
	if change != nil {
		change(&s)
	}
	if !s.State.Final() || s.State == order.Issued {
		s.Reached = s.State
	}
	method := s.Application.DCVMethod
	if s.Challenge != nil {
		method = s.Challenge.Method
	}
	s.Awaited = order.Progress{
		State: s.State, Method: method, Phone: s.Phone, OpenInquiry: len(s.Inquiries) > 0, Blocked: s.Blocked != fault.Text{},
		ReuseAsked: s.Reuse != nil && !s.Reuse.AskedAt.IsZero() && s.Reuse.AnsweredAt.IsZero(), PhoneReused: s.Reuse.Live(order.OrganizationEvidence) != nil,
		MailsHeld: s.Challenge != nil && !s.Challenge.MailsAfter.IsZero(),
	}.Awaited()
	return s
}

func txt(s *order.Status) {
	const token = "h7k2m9p4q3r8s5t6v2w7x4y9z3a8b5c6"
	s.Challenge = &order.ChallengeView{
		ID: "challenge-1", Sequence: 1, Method: order.DCVTXT, Token: token, OpenedAt: now.Add(-2 * time.Hour), ExpiresAt: now.Add(28 * 24 * time.Hour),
		Instruction: order.Instruction{RecordName: "example.co.jp", RecordType: "TXT", RecordValue: token},
		Checks:      12, LastCheckAt: now.Add(-3 * time.Minute), NextCheckAt: now.Add(12 * time.Minute),
		LastFinding: fault.Text{
			JA: "example.co.jp に TXT レコードはありますが、値が異なります: “v=spf1 <b>-all</b>”。ご案内した値の TXT レコードを追加してください。",
			EN: "TXT record found at example.co.jp, but the value differs: “v=spf1 <b>-all</b>”. Add a TXT record with exactly the value that we sent.",
		},
	}
}

func organizationStage(s *order.Status) {
	s.State, s.Challenge.SatisfiedAt = order.OrganizationValidation, now.Add(-30*time.Minute)
	s.Phone.NumberVerifiedAt = now.Add(-20 * time.Minute)
}

// states are the order in each state that its page can show.
func states() map[string]func(*order.Status) {
	ended := func(state order.State) func(*order.Status) {
		return func(s *order.Status) { s.State, s.Reason = state, "internal reason" }
	}
	return map[string]func(*order.Status){
		"dns-txt": nil,
		"reuse": func(s *order.Status) {
			s.Type, s.State, s.Challenge = order.Renewal, order.Accepted, nil
			s.Reuse = &order.ReuseView{AskedAt: now, Until: now.Add(3 * 24 * time.Hour)}
		},
		"reused": func(s *order.Status) {
			s.Type, s.State, s.Challenge = order.Renewal, order.OrganizationValidation, nil
			s.Renews = &order.Renewed{Serial: "5a0b", NotAfter: time.Date(2026, 12, 22, 3, 0, 0, 0, time.UTC)}
			s.Reuse = &order.ReuseView{AskedAt: now, AnsweredAt: now, Reused: []order.ReusedEvidence{
				{EvidenceRef: order.EvidenceRef{Kind: order.DomainEvidence, Order: "4827160001", At: now.AddDate(0, -11, 0)}, ReusedAt: now},
				{EvidenceRef: order.EvidenceRef{Kind: order.OrganizationEvidence, Order: "4827160001", At: now.AddDate(-1, 0, 0)}, ReusedAt: now},
			}}
		},
		"revoked": func(s *order.Status) {
			s.State, s.Challenge, s.Awaited = order.Issued, nil, nil
			s.Certificates = []order.CertificateView{{Sequence: 1, Serial: "4f1c9a7be02d5533a1b2c3d4e5f60718", NotAfter: now.AddDate(1, 0, 0), RevokedAt: now, Reason: "keyCompromise"}}
		},
		"dns-cname": func(s *order.Status) {
			s.Challenge.Method = order.DCVCNAME
			s.Challenge.Instruction = order.Instruction{RecordName: "_" + s.Challenge.Token + ".example.co.jp", RecordType: "CNAME", RecordValue: "dcv.example.com"}
			s.Challenge.LastCheckAt, s.Challenge.LastFinding = time.Time{}, fault.Text{}
		},
		"file": func(s *order.Status) {
			s.Challenge.Method = order.DCVFile
			s.Challenge.Instruction = order.Instruction{FileURL: "http://example.co.jp/.well-known/pki-validation/fileauth.txt", FileContent: s.Challenge.Token}
		},
		"email": func(s *order.Status) {
			s.Challenge = &order.ChallengeView{ID: "challenge-1", Sequence: 1, Method: order.DCVEmail, ExpiresAt: now.Add(28 * 24 * time.Hour)}
			for to, state := range map[string]order.LetterState{"admin@example.co.jp": order.LetterSent, "postmaster@example.co.jp": order.LetterFailed, "smid-owner@registrar.example.com": order.LetterPending} {
				s.Letters = append(s.Letters, order.LetterView{Kind: order.LetterDomainApproval, Recipient: to, State: state, LastReply: "550 no such user"})
			}
		},
		"email-held": func(s *order.Status) {
			s.Challenge = &order.ChallengeView{ID: "challenge-2", Sequence: 2, Method: order.DCVEmail, ExpiresAt: now.Add(28 * 24 * time.Hour), MailsAfter: now.Add(5 * time.Hour)}
			s.Letters = append(s.Letters, order.LetterView{Kind: order.LetterDomainApproval, Recipient: "admin@example.co.jp", State: order.LetterSent}) // of the challenge before
		},
		"inquiry": func(s *order.Status) {
			s.Inquiries = []order.Inquiry{
				{OpenedAt: now, Question: "前の質問", AnsweredAt: now, Answer: "前の答え"},
				{OpenedAt: now, Question: "英語の団体名は <Sample Trading K.K.> と\nSample Trading Co., Ltd. のどちらが正しいですか。"},
			}
		},
		"organization": organizationStage,
		"corrected": func(s *order.Status) {
			organizationStage(s)
			s.Application.Organization.Unit = "Sales"
			s.Subject = order.SubjectCorrected{Organization: "Sample <Trading> Co., Ltd.", RemoveUnit: true, Identifier: "NTRJP-011001098993"}.Apply(s.Application.Subject())
		},
		"blocked": func(s *order.Status) {
			organizationStage(s)
			s.Phone.ReachedAt, s.Phone.ConfirmedAt = now, now
			s.Blocked, s.BlockedAt = fault.Text{JA: "CAA forbids", EN: "CAA forbids"}, now
		},
		"review": func(s *order.Status) {
			s.State, s.Type, s.ValidityYears, s.Challenge.ID = order.Review, order.Reissue, 0, ""
		},
		"review-undecided": func(s *order.Status) {
			s.State, s.Type, s.Challenge.ID = order.Review, order.Reissue, ""
			s.CertificateEmail, s.Domain, s.Application.Organization = "", "", order.Organization{NameJA: "見本商会", Name: "見本商会"}
			s.Reissue = &order.ReissueView{Candidates: []order.OriginalView{{Email: "secret@example.jp"}}}
		},
		"issuing": func(s *order.Status) { organizationStage(s); s.State = order.Issuing },
		"issued": func(s *order.Status) {
			organizationStage(s)
			s.State = order.Issued
			s.Certificates = []order.CertificateView{{Sequence: 1, Serial: "5eed", NotAfter: now.AddDate(2, 0, 0), IssuedAt: now}}
		},
		"issued-corrected": func(s *order.Status) {
			organizationStage(s)
			s.State, s.Certificates = order.Issued, []order.CertificateView{{Sequence: 1, Serial: "5eed", NotAfter: now.AddDate(2, 0, 0), IssuedAt: now}}
			s.Subject.City = "Minato-ku"
		},
		"rejected": ended(order.Rejected), "cancelled": ended(order.Cancelled), "expired": ended(order.Expired),
	}
}

// at opens a portal on which the order is in the named state.
func at(t testing.TB, state string, language order.Language, change ...func(*portal.Config)) *site {
	t.Helper()
	s := open(t, language, change...)
	s.record.orders[number] = full(language, states()[state])
	return s
}

func (s *site) page() string { return "/status/" + s.status }

// token is the hidden field of the form that is sent to the address.
func token(t testing.TB, page, action string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)action="` + regexp.QuoteMeta(action) + `"[^>]*>\s*<input type="hidden" name="form_token" value="([^"]+)"`).FindStringSubmatch(page)
	require.Len(t, m, 2, "no form that is sent to %s", action)
	return m[1]
}

// act opens the page and sends one of its forms as a browser would, without following where the answer leads.
func (s *site) act(c *http.Client, action string, fields url.Values) page {
	s.t.Helper()
	path := s.page()
	if action == "cancel" {
		path += "/cancel"
	}
	shown := s.get(c, path)
	require.Equal(s.t, http.StatusOK, shown.StatusCode, shown.text)
	form := url.Values{"form_token": {token(s.t, shown.text, s.page()+"/"+action)}}
	for k, v := range fields {
		form[k] = v
	}
	return s.do(stay(c), s.request(http.MethodPost, s.page()+"/"+action, form))
}

// stay is the client without following redirects.
func stay(c *http.Client) *http.Client {
	here := *c
	here.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &here
}

func TestStatusPageShowsTheOrderAndNothingInternal(t *testing.T) {
	t.Parallel()
	for state := range states() {
		for _, language := range []order.Language{order.Japanese, order.English} {
			s := at(t, state, language)
			for _, path := range []string{s.page(), s.page() + "/progress"} {
				p := s.get(s.visitor(), path)
				require.Equal(t, http.StatusOK, p.StatusCode, "%s: %s", state, p.text)
				for _, secret := range internals {
					require.NotContains(t, p.text, secret, "%s in %s", path, state)
				}
			}
			text := s.get(s.visitor(), s.page()).text
			facts := []string{number, "smime-contact@example.co.jp", "サンプル商事株式会社", "t***@example.co.jp", "example.co.jp"}
			if state == "review-undecided" { // of which nothing is known yet
				facts = []string{number, "見本商会", "t***@example.co.jp"}
			}
			for _, fact := range facts {
				require.Contains(t, text, fact, state)
			}
		}
	}
}

// TestStatusPageSaysWhatIsAwaited: for each state its sentence, what is to be done and what can be done.
func TestStatusPageSaysWhatIsAwaited(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]struct{ shows, lacks []string }{
		"dns-txt": {[]string{"DNSレコードの登録をお待ちしています", "h7k2m9p4q3r8s5t6v2w7x4y9z3a8b5c6", "値が異なります: “v=spf1 &lt;b&gt;-all&lt;/b&gt;”", "2026年11月22日 11:57（日本時間）", "2026年11月22日 12:12（日本時間）",
			"今すぐ確認する", "メール認証", "このお申し込みを取り消す", "お電話します"}, []string{`value="dns-txt"`}},
		"dns-cname":    {[]string{"_h7k2m9p4q3r8s5t6v2w7x4y9z3a8b5c6.example.co.jp", "dcv.example.com", "CNAME"}, []string{"前回の確認", `value="dns-cname"`}},
		"file":         {[]string{"http://example.co.jp/.well-known/pki-validation/fileauth.txt", "認証ファイルの設置をお待ちしています", "今すぐ確認する"}, nil},
		"email":        {[]string{"admin@example.co.jp", "s***@registrar.example.com", "届きませんでした", "承認メールを再送する"}, []string{"今すぐ確認する"}},
		"email-held":   {[]string{"承認メールをまだお送りできません", "2026年11月22日 17:00（日本時間）以降に", "承認メールを再送する", "この方式に変更する", "承認メールの再送、または認証方式の変更"}, []string{"admin@", "リンクの有効期限"}},
		"inquiry":      {[]string{"お問い合わせへのご回答をお待ちしています", "&lt;Sample Trading K.K.&gt;", "回答を送る"}, []string{"前の質問", "前の答え"}},
		"organization": {[]string{"お電話による申請団体の認証を進めています", "申請責任者への取次ぎ"}, []string{"h7k2m9p4q3r8s5t6v2w7x4y9z3a8b5c6", "今すぐ確認する", "認証方式を変更", "入力された内容："}},
		"corrected": {[]string{"証明書に記載する内容", "Sample &lt;Trading&gt; Co., Ltd.<small>入力された内容：Sample Trading K.K.</small>", "（記載しません）<small>入力された内容：Sales</small>",
			"NTRJP-011001098993<small>入力された内容：（記入なし）",
			"訂正した内容で証明書を発行します"}, nil},
		"blocked":          {[]string{"最終確認をしています"}, nil},
		"reuse":            {[]string{"メールでの確認をお待ちしています", "登録済みのメールアドレス", "更新の対象となる証明書が見つからなかった"}, []string{"お電話します", "rep@"}},
		"reused":           {[]string{"再利用した認証", "ドメイン example.co.jp", "オーダー 4827160001 の認証", "シリアル番号 5a0b（2026年12月22日 12:00（日本時間）まで）"}, []string{"お電話します"}},
		"review":           {[]string{"再発行の内容を確認しています", "再発行</dd>"}, []string{"有効期間 0年"}},
		"review-undecided": {[]string{"再発行の内容を確認しています", "<dd>見本商会</dd>"}, []string{"secret@", "証明書のメールアドレス", "ドメイン名</dt>", "証明書に記載する内容"}},
		"issuing":          {[]string{"証明書を発行しています"}, []string{"取り消す"}},
		"issued":           {[]string{"証明書を発行しました", "ダウンロードのリンクを再送する", "data-final"}, []string{"取り消す", "お手続きの期限"}},
		"issued-corrected": {[]string{"証明書に記載した内容", "訂正した内容で証明書を発行しました", "Minato-ku<small>入力された内容：（記入なし）</small>"}, []string{"発行される前に"}},
		"rejected":         {[]string{"理由は技術担当者へのメールでお知らせしました", "data-final", `href="/enroll"`}, []string{"取り消す"}},
		"cancelled":        {[]string{"取り消されました", "data-final"}, []string{"今すぐ確認する"}},
		"expired":          {[]string{"期限までにお手続きが完了しなかった", "data-final"}, nil},
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s := at(t, state, order.Japanese)
			text := s.get(s.visitor(), s.page()).text
			for _, fact := range want.shows {
				require.Contains(t, text, fact)
			}
			for _, fact := range want.lacks {
				require.NotContains(t, text, fact)
			}
		})
	}
}

// TestStatusPageTakesWhatItDoesNotKnow: a new thing to wait for is told in its own words if it is the applicant's turn, in none if not.
func TestStatusPageTakesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := open(t, order.English)
	o := full(order.English, organizationStage)
	o.Awaited = []order.Awaited{
		{Code: "new-thing", Party: "somebody", Text: fault.Text{JA: "新しいこと", EN: "something new from you"}},
		{Code: "other-thing", Party: order.PartyStaff, Text: fault.Text{JA: "内部のこと", EN: "words for staff"}},
	}
	s.record.orders[number] = o
	text := s.get(s.visitor(), s.page()).text
	require.Contains(t, text, "something new from you")
	require.Contains(t, text, "Checks on our side")
	require.NotContains(t, text, "words for staff")
}

func TestProgressLine(t *testing.T) {
	t.Parallel()
	marks := regexp.MustCompile(`<li class="mark-(\w+)"[^>]*><span>([^<]+)<`)
	for state, want := range map[string]string{
		"dns-txt":      "done Received, now Domain, todo Organisation, todo Issuance, todo Issued",
		"organization": "done Received, done Domain, now Organisation, todo Issuance, todo Issued",
		"review":       "done Received, now Review, todo Domain, todo Organisation, todo Issuance, todo Issued",
		"issuing":      "done Received, done Domain, done Organisation, now Issuance, todo Issued",
		"issued":       "done Received, done Domain, done Organisation, done Issuance, done Issued",
	} {
		s := at(t, state, order.English)
		var got []string
		for _, m := range marks.FindAllStringSubmatch(s.get(s.visitor(), s.page()).text, -1) {
			got = append(got, m[1]+" "+m[2])
		}
		require.Equal(t, want, strings.Join(got, ", "), state)
	}
	s := open(t, order.English)
	s.record.orders[number] = full(order.English, func(o *order.Status) { o.State, o.Reached = order.Cancelled, order.OrganizationValidation })
	require.Regexp(t, `mark-done"><span>Domain.*\n.*mark-ended"><span>Organisation.*\n.*mark-never"><span>Issuance`, s.get(s.visitor(), s.page()).text)
}

// TestDeeds: each form becomes exactly this command by the applicant, and its outcome is shown once after a redirect.
func TestDeeds(t *testing.T) {
	t.Parallel()
	by := order.Actor{Actor: "applicant"}
	for _, row := range []struct {
		shows, state, action string
		fields               url.Values
		outcome              order.Outcome
		want                 order.Command
		says                 string
	}{
		{"check, found", "dns-txt", "check", nil, order.Outcome{Applied: true, Found: true}, order.DomainCheckNow{Actor: by}, "ドメイン名の認証が完了しました"},
		{"check, not found", "dns-txt", "check", nil, order.Outcome{Applied: true}, order.DomainCheckNow{Actor: by}, "まだ見つかりません"},
		{"another method", "dns-txt", "method", url.Values{"dcv_method": {"file"}}, order.Outcome{Applied: true}, order.DomainMethodChanged{Actor: by, Method: order.DCVFile}, "認証方式を変更しました"},
		{"mails again", "email", "resend", nil, order.Outcome{Applied: true}, order.ChallengeResent{Actor: by}, "案内のメールをお送りします"},
		{"an answer of several lines", "inquiry", "answer", url.Values{"answer": {" 後者です。\r\n以上 \r\n"}}, order.Outcome{Applied: true}, order.InquiryAnswered{Actor: by, Answer: "後者です。\n以上"}, "ご回答を受け付けました"},
		{"the same answer again", "inquiry", "answer", url.Values{"answer": {"x"}}, order.Outcome{}, order.InquiryAnswered{Actor: by, Answer: "x"}, "変更はありません"},
		{"cancel with a reason", "organization", "cancel", url.Values{"reason": {"不要になりました"}}, order.Outcome{Applied: true}, order.OrderCancelled{Actor: by, Reason: "不要になりました"}, "取消しを受け付けました"},
		{"cancel without one", "organization", "cancel", url.Values{"reason": {" "}}, order.Outcome{Applied: true}, order.OrderCancelled{Actor: by, Reason: "申請者による取消し"}, "取消しを受け付けました"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := at(t, row.state, order.Japanese)
			s.engine.reply = func(order.Command) (order.Outcome, error) { return row.outcome, nil }
			c := s.visitor()
			p := s.act(c, row.action, row.fields)
			require.Equal(t, http.StatusSeeOther, p.StatusCode, p.text)
			require.Equal(t, []order.Command{row.want}, s.engine.commands())
			require.Contains(t, s.get(c, p.Header.Get("Location")).text, row.says)
			require.NotContains(t, s.get(c, s.page()).text, row.says)
		})
	}
}

// TestDeedsThatAreRefused: the order's refusal is told on the page in its words for applicants; a slip is told beside the field.
func TestDeedsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := at(t, "dns-txt", order.English)
	c := s.visitor()
	for code, says := range map[string]string{
		"dcv.too-often": "We looked a moment ago", "dcv.done": "already been validated", "order.ended": "already ended", "order.not-running": "already ended",
		"order.issuing": "is being issued", "dcv.method-forbidden": "may no longer be used",
	} {
		s.engine.reply = func(order.Command) (order.Outcome, error) {
			return order.Outcome{}, fault.New(fault.Conflict, code, "内部の言葉", "words for staff")
		}
		p := s.act(c, "check", nil)
		require.Equal(t, http.StatusSeeOther, p.StatusCode)
		text := s.get(c, p.Header.Get("Location")).text
		require.Contains(t, text, says)
		require.NotContains(t, text, "words for staff")
	}
	before := len(s.engine.commands())
	p := s.act(c, "method", nil)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode, "no method chosen")
	require.Contains(t, p.text, `href="#dcv_method"`)
	require.Contains(t, p.text, `id="dcv_method"`)
	require.Len(t, s.engine.commands(), before)

	for _, path := range []string{"?done=%3Cb%3E", "?done=your+account+is+locked", "?refused=checked", "?done="} {
		text := s.get(c, s.page()+path).text
		require.NotContains(t, text, `class="done`, "words in the address are not shown: %s", path)
		require.NotContains(t, text, "locked")
	}
}

// TestTheOrderCannotBeReached: the page says so, keeps what was typed and works again when the order does.
func TestTheOrderCannotBeReached(t *testing.T) {
	t.Parallel()
	for action, field := range map[string]string{"answer": "answer", "cancel": "reason"} {
		s := at(t, "inquiry", order.Japanese)
		s.engine.reply = func(order.Command) (order.Outcome, error) { return order.Outcome{}, errUnreachable }
		c := s.visitor()
		p := s.act(c, action, url.Values{field: {"長く考えて書いた <内容>"}})
		require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
		require.Contains(t, p.text, "受付システムに接続できません")
		require.Contains(t, p.text, "長く考えて書いた &lt;内容&gt;</textarea>")
		require.Contains(t, p.text, number, "it is still the page")
		s.engine.reply = nil
		again := s.do(stay(c), s.request(http.MethodPost, s.page()+"/"+action, url.Values{"form_token": {token(t, p.text, s.page()+"/"+action)}, field: {"長く考えて書いた <内容>"}}))
		require.Equal(t, http.StatusSeeOther, again.StatusCode)
	}
	s := at(t, "dns-txt", order.Japanese)
	s.record.down = fault.New(fault.Unavailable, "record.unavailable", "停止中", "down")
	require.Equal(t, http.StatusServiceUnavailable, s.get(s.visitor(), s.page()).StatusCode)
}

func TestValidationMailsAreNotForFlooding(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows string
		ages  []int // in minutes
		sent  bool
	}{
		{"three within the hour", []int{5, 15, 59}, true},
		{"four within the hour", []int{5, 15, 30, 59}, false},
		{"ten within the day", []int{5, 70, 140, 210, 280, 350, 420, 490, 560, 1400}, false},
		{"ten, one of them yesterday", []int{5, 70, 140, 210, 280, 350, 420, 490, 560, 1441}, true},
	} {
		for action, fields := range map[string]url.Values{"resend": nil, "method": {"dcv_method": {"file"}}} {
			s := open(t, order.Japanese)
			s.record.orders[number] = full(order.Japanese, func(o *order.Status) {
				o.Timeline = nil
				for _, minutes := range row.ages {
					o.Timeline = append(o.Timeline, order.Event{At: now.Add(-time.Duration(minutes) * time.Minute), Actor: "applicant", Action: "challenge-opened"})
				}
			})
			p := s.act(s.visitor(), action, fields)
			require.Equal(t, http.StatusSeeOther, p.StatusCode)
			require.Equal(t, row.sent, len(s.engine.commands()) == 1, "%s: %s", action, row.shows)
			require.Equal(t, !row.sent, strings.HasSuffix(p.Header.Get("Location"), "?refused=letter.too-often"))
		}
	}
	s := at(t, "dns-txt", order.Japanese, func(c *portal.Config) { c.Limits.Mails = 2 })
	c := s.visitor()
	for range 2 {
		require.Equal(t, http.StatusSeeOther, s.act(c, "resend", nil).StatusCode)
	}
	p := s.act(c, "resend", nil)
	require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
	require.Contains(t, p.text, "この操作はまだ行われていない可能性があります")
	require.NotContains(t, p.text, "回答は", "nobody was asked anything")
	require.Equal(t, http.StatusSeeOther, s.act(c, "check", nil).StatusCode, "a check sends no mail")
}

func TestDownloadLinkAgain(t *testing.T) {
	t.Parallel()
	s := at(t, "issued", order.English)
	c := s.visitor()
	p := s.act(c, "download", nil)
	require.Contains(t, s.get(c, p.Header.Get("Location")).text, "The download link is on its way")
	require.Equal(t, []string{number}, s.desk.mailed)
	s.desk.mail = fault.New(fault.TooMany, "letter.too-often", "", "")
	require.Contains(t, s.act(c, "download", nil).Header.Get("Location"), "?refused=letter.too-often")
	s.desk.mail = errUnreachable
	require.Equal(t, http.StatusServiceUnavailable, s.act(c, "download", nil).StatusCode)
}

func TestCancellingNeedsTwoSteps(t *testing.T) {
	t.Parallel()
	s := at(t, "dns-txt", order.Japanese)
	c := s.visitor()
	text := s.get(c, s.page()).text
	require.Contains(t, text, `href="`+s.page()+`/cancel"`)
	require.NotContains(t, text, `action="`+s.page()+`/cancel"`)
	p := s.get(c, s.page()+"/cancel")
	require.Contains(t, p.text, "取り消すと元に戻せません")
	require.Empty(t, s.engine.commands())
	for state, code := range map[string]string{"issuing": "order.issuing", "issued": "order.ended", "cancelled": "order.ended"} {
		s := at(t, state, order.Japanese)
		p := s.do(stay(s.visitor()), s.request(http.MethodGet, s.page()+"/cancel", nil))
		require.Equal(t, s.page()+"?refused="+code, p.Header.Get("Location"), state)
	}
}

func TestFormsOfAnotherPageOrOrderDoNothing(t *testing.T) {
	t.Parallel()
	s := at(t, "inquiry", order.Japanese)
	c := s.visitor()
	check := token(t, s.get(c, s.page()).text, s.page()+"/check")
	for action, form := range map[string]url.Values{
		"check": {}, "resend": {"form_token": {check}}, "answer": {"form_token": {check}, "answer": {"x"}}, "cancel": {"form_token": {check}},
		"method": {"form_token": {"x"}, "dcv_method": {"file"}}, "download": {"form_token": {check}},
	} {
		p := s.do(c, s.request(http.MethodPost, s.page()+"/"+action, form))
		require.Equal(t, http.StatusForbidden, p.StatusCode, action)
	}
	stranger := s.request(http.MethodPost, s.page()+"/check", url.Values{"form_token": {check}})
	require.Equal(t, http.StatusForbidden, s.do(s.visitor(), stranger).StatusCode, "another browser")
	cross := s.request(http.MethodPost, s.page()+"/check", url.Values{"form_token": {check}})
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(c, cross).StatusCode)
	require.Empty(t, s.engine.commands())
	require.Contains(t, s.do(c, s.request(http.MethodPost, s.page()+"/answer", url.Values{"answer": {"書きかけ"}})).text, "書きかけ</textarea>", "what was typed is kept")
}

func TestStatusLinksThatDoNotWork(t *testing.T) {
	t.Parallel()
	s := at(t, "dns-txt", order.Japanese)
	c := s.visitor()
	for _, tail := range []string{"", "/progress", "/cancel"} {
		require.Equal(t, http.StatusNotFound, s.get(c, "/status/"+s.download+tail).StatusCode, "a link for something else")
		require.Equal(t, http.StatusNotFound, s.get(c, "/status/unknown"+tail).StatusCode)
	}
	for _, action := range []string{"check", "method", "resend", "answer", "cancel", "download"} {
		require.Equal(t, http.StatusNotFound, s.do(c, s.request(http.MethodPost, "/status/"+s.approval+"/"+action, url.Values{})).StatusCode)
	}
	s.record.use(s.status, func(l *order.Link) { l.ExpiresAt = now })
	for _, tail := range []string{"", "/progress", "/cancel"} {
		p := s.get(c, s.page()+tail)
		require.Equal(t, http.StatusGone, p.StatusCode)
		require.Contains(t, p.text, "お申し込み状況の確認")
	}
	require.NotContains(t, s.log.String(), s.status, "the token is not logged")
}

func TestReloadingAnAnswerLeadsBackToThePage(t *testing.T) {
	t.Parallel()
	s := at(t, "dns-txt", order.Japanese)
	for _, action := range []string{"check", "method", "resend", "answer", "download"} {
		p := s.do(stay(s.visitor()), s.request(http.MethodGet, s.page()+"/"+action, nil))
		require.Equal(t, http.StatusSeeOther, p.StatusCode)
		require.Equal(t, s.page(), p.Header.Get("Location"))
	}
}

func TestUnchangedProgressIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := at(t, "dns-txt", order.Japanese)
	c := s.visitor()
	s.get(c, s.page()) // which gives the browser its cookie
	first := s.get(c, s.page()+"/progress")
	require.NotContains(t, first.text, "<html")
	tag := first.Header.Get("ETag")
	require.NotEmpty(t, tag)
	ask := func() page {
		r := s.request(http.MethodGet, s.page()+"/progress", nil)
		r.Header.Set("If-None-Match", tag)
		return s.do(c, r)
	}
	require.Equal(t, http.StatusNotModified, ask().StatusCode)
	require.Empty(t, ask().text)
	s.record.mu.Lock()
	s.record.orders[number] = full(order.Japanese, states()["organization"])
	s.record.mu.Unlock()
	p := ask()
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.NotEqual(t, tag, p.Header.Get("ETag"))
}
