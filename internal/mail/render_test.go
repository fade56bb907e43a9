package mail_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/mail"
	"securemailid.example/internal/order"
)

// go test ./internal/mail -update writes the golden mails anew; read the difference.
var update = flag.Bool("update", false, "write testdata anew")

// renderer writes mails in the guide's name, and as a brand that has every optional setting if full.
func renderer(t testing.TB, full bool) *mail.Renderer {
	t.Helper()
	c, err := calendar.New()
	require.NoError(t, err)
	b := mail.GuideBrand()
	if full {
		b = fullBrand()
	}
	r, err := mail.NewRenderer(b, c)
	require.NoError(t, err)
	return r
}

// fullBrand has every optional setting.
func fullBrand() mail.Brand {
	b := mail.GuideBrand()
	b.Support.Email, b.ReplyTo = "help@example.com", "support@example.com"
	return b
}

// facts are those that all example letters share. The deadline is 22 November 2026, 18:00 in Japan.
func facts(more func(*order.Facts)) order.Facts {
	f := order.Facts{
		Number: "1234567890", Domain: "example.co.jp", Organization: "サンプル商事株式会社", ContactName: "Gijutsu Tantou",
		Deadline: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
	more(&f)
	return f
}

const token = "rX3vQm0uTg7yB2kLw9ZsHc5nJ1pFdEaU8iRoVtYbMxQ"

type example struct {
	name  string
	kind  order.LetterKind
	facts order.Facts
}

// examples holds every kind of letter, in each of its forms.
func examples() []example {
	valueUntil := time.Date(2026, 11, 19, 15, 30, 0, 0, time.UTC)
	statusPage := "https://portal.example.com/status/" + token
	method := func(m order.DCVMethod) order.Facts {
		return facts(func(f *order.Facts) {
			f.Method, f.CertificateEmail, f.ValidityYears, f.StatusLink = m, "info@example.co.jp", 2, statusPage
		})
	}
	again := func(why order.ReissueReason) order.Facts {
		return facts(func(f *order.Facts) {
			f.CertificateEmail, f.NotAfter, f.ReissueReason = "info@example.co.jp", time.Date(2027, 11, 24, 14, 59, 59, 0, time.UTC), why
		})
	}
	renewal := func(serial string) order.Facts {
		f := method(order.DCVTXT)
		f.Renewal = order.RenewalFacts{Wanted: true, Serial: serial}
		if serial != "" {
			f.Renewal.NotAfter = time.Date(2026, 12, 24, 14, 59, 59, 0, time.UTC)
		}
		return f
	}
	txt := facts(func(f *order.Facts) {
		f.Method, f.RecordName, f.RecordValue, f.ValueExpires = order.DCVTXT, "example.co.jp", token, valueUntil
	})
	replaced := txt
	replaced.News, replaced.StatusLink = order.NewsReplaced, statusPage
	resent, otherMethod := replaced, replaced
	resent.News, otherMethod.News = order.NewsResent, order.NewsMethod
	issued := facts(func(f *order.Facts) {
		f.CertificateEmail, f.Serial, f.NotAfter = "info@example.co.jp", "4f1c9a7be02d5533a1b2c3d4e5f60718", time.Date(2028, 11, 24, 14, 59, 59, 0, time.UTC)
		f.Link, f.LinkExpires = "https://portal.example.com/download/"+token, time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC)
	})
	revoked := facts(func(f *order.Facts) {
		f.CertificateEmail, f.Serial, f.RevokedAt, f.RevocationReason = issued.CertificateEmail, issued.Serial, valueUntil, "cessationOfOperation"
	})
	revokedUser := revoked
	revokedUser.ContactName = ""
	answer := func(words, outcome string) order.Facts {
		return facts(func(f *order.Facts) {
			f.Serial, f.Request, f.Reason, f.Outcome = issued.Serial, "0198c6f2-0000-7000-8000-00000000000a", words, outcome
			f.ContactName, f.CertificateEmail, f.Organization = "", "", ""
		})
	}
	expiry := facts(func(f *order.Facts) {
		f.CertificateEmail, f.Serial, f.NotAfter = "info@example.co.jp", "4f1c9a7be02d5533a1b2c3d4e5f60718", time.Date(2026, 12, 19, 14, 59, 59, 0, time.UTC)
		f.DaysLeft, f.Link, f.LinkExpires = 30, "https://portal.example.com/renew/"+token, time.Date(2027, 1, 18, 14, 59, 59, 0, time.UTC)
		f.StopLink = "https://portal.example.com/stop/" + token
	})
	toAddress := expiry
	toAddress.ContactName, toAddress.DaysLeft = "", 1
	corrected := func(more func(*order.Facts)) order.Facts {
		return facts(func(f *order.Facts) {
			f.CertificateEmail = "info@example.co.jp"
			f.Corrections = []order.Correction{
				{Field: "organization", Entered: "Sample Trading", Certified: "Sample Trading K.K."}, {Field: "unit", Entered: "Sales"},
				{Field: "state", Entered: "Tokio", Certified: "Tokyo"}, {Field: "city", Entered: "Chiyoda", Certified: "Chiyoda-ku"},
				{Field: "identifier", Certified: "NTRJP-011001098993"},
			}
			more(f)
		})
	}
	notice := again(order.NewDevice)
	notice.Original, notice.Serial, notice.StatusLink, notice.Domain = "1234567800", issued.Serial, statusPage, ""
	noticeUser := again(order.KeyCompromise)
	noticeUser.Original, noticeUser.Serial, noticeUser.ContactName, noticeUser.Domain = "1234567800", issued.Serial, "", ""
	noticeUser.Link, noticeUser.LinkExpires = "https://portal.example.com/revoke/"+token, valueUntil
	noticeOfOne := again(order.NewDevice)
	noticeOfOne.NotAfter = time.Time{}
	dns := order.Progress{State: order.DomainValidation, Method: order.DCVTXT}
	reason := facts(func(f *order.Facts) {
		f.Reason = "申請団体の電話番号を確認できませんでした。\nお手数ですが、登記の内容をご確認ください。"
	})
	return []example{
		{"receipt-email", order.LetterReceipt, method(order.DCVEmail)},
		{"receipt-file", order.LetterReceipt, method(order.DCVFile)},
		{"receipt-dns", order.LetterReceipt, method(order.DCVTXT)},
		{"challenge-txt", order.LetterChallenge, txt},
		{"challenge-txt-replaced", order.LetterChallenge, replaced},
		{"challenge-txt-resent", order.LetterChallenge, resent},
		{"challenge-txt-method-changed", order.LetterChallenge, otherMethod},
		{"challenge-cname", order.LetterChallenge, facts(func(f *order.Facts) {
			f.Method, f.RecordName, f.RecordValue, f.ValueExpires = order.DCVCNAME, "_"+token+".example.co.jp", "dcv.example.com", valueUntil
		})},
		{"challenge-file", order.LetterChallenge, facts(func(f *order.Facts) {
			f.Method, f.FileContent, f.ValueExpires = order.DCVFile, token, valueUntil
			f.FileURL = "http://example.co.jp/.well-known/pki-validation/fileauth.txt"
		})},
		{"domain-approval", order.LetterDomainApproval, facts(func(f *order.Facts) {
			f.Link, f.LinkExpires, f.ContactName = "https://portal.example.com/approve/"+token, valueUntil, ""
			f.Other.Organization = "Sample Trading K.K."
		})},
		{"approvals-held", order.LetterApprovalsHeld, facts(func(f *order.Facts) { f.MailsAfter, f.StatusLink = valueUntil, statusPage })},
		{"inquiry", order.LetterInquiry, facts(func(f *order.Facts) {
			f.StatusLink = statusPage
			f.Question = "英語の団体名は Sample Trading K.K. と Sample Trading Co., Ltd. のどちらが正しいですか。\n登記または定款の英文表記をお知らせください。"
		})},
		{"corrected-contact", order.LetterCorrected, corrected(func(f *order.Facts) { f.StatusLink = statusPage })},
		{"corrected-representative", order.LetterCorrected, corrected(func(f *order.Facts) { f.ContactName = "申請 責任" })},
		{"corrected-back", order.LetterCorrected, corrected(func(f *order.Facts) { f.Corrections = nil })},
		{"reminder", order.LetterReminder, facts(func(f *order.Facts) {
			f.Awaited, f.RecordName, f.RecordValue, f.StatusLink = dns.Awaited(), "example.co.jp", token, statusPage
		})},
		{"expiry-reminder-contact", order.LetterExpiryReminder, expiry},
		{"expiry-reminder-address", order.LetterExpiryReminder, toAddress},
		{"status-link", order.LetterStatusLink, facts(func(f *order.Facts) { f.StatusLink, f.LinkExpires = statusPage, valueUntil })},
		{"rejected", order.LetterRejected, reason},
		{"cancelled", order.LetterCancelled, facts(func(*order.Facts) {})},
		{"expired", order.LetterExpired, facts(func(*order.Facts) {})},
		{"revocation-link", order.LetterRevocationLink, facts(func(f *order.Facts) {
			f.CertificateEmail, f.Serial, f.NotAfter = issued.CertificateEmail, issued.Serial, issued.NotAfter
			f.Link, f.LinkExpires = "https://portal.example.com/revoke/"+token, valueUntil
		})},
		{"revoked-contact", order.LetterRevoked, revoked},
		{"revoked-certificate", order.LetterRevoked, revokedUser},
		{"revocation-clock", order.LetterRevocationClock, facts(func(f *order.Facts) {
			f.Serial, f.RevocationReason, f.Deadline, f.Request = issued.Serial, "keyCompromise", valueUntil, "0198c6f2-0000-7000-8000-00000000000a"
		})},
		{"revocation-clock-answer", order.LetterRevocationClock, facts(func(f *order.Facts) {
			f.Serial, f.RevocationReason, f.Deadline, f.Request = issued.Serial, "superseded", valueUntil, "0198c6f2-0000-7000-8000-00000000000a"
			f.Preliminary = true
		})},
		{"report-answer-preliminary", order.LetterReportAnswer, answer("申請団体に利用状況を確認しています。", "")},
		{"report-answer-declined", order.LetterReportAnswer, answer("記載内容は正しいものでした。", "declined")},
		{"report-answer-revoked", order.LetterReportAnswer, answer("", "revoked")},
		{"issued-certificate", order.LetterIssuedCertificate, issued},
		{"issued-contact", order.LetterIssuedContact, issued},
		{"receipt-reissue", order.LetterReissueReceipt, again(order.NewDevice)},
		{"receipt-reissue-compromise", order.LetterReissueReceipt, again(order.KeyCompromise)},
		{"reissue-notice-contact", order.LetterReissueNotice, notice},
		{"reissue-notice-certificate", order.LetterReissueNotice, noticeUser},
		{"reissue-notice-undecided", order.LetterReissueNotice, noticeOfOne},
		{"receipt-renewal", order.LetterReceipt, renewal("4f1c9a7be02d5533a1b2c3d4e5f60718")},
		{"receipt-renewal-of-nothing", order.LetterReceipt, renewal("")},
		{"reuse-confirmation", order.LetterReuse, facts(func(f *order.Facts) {
			f.CertificateEmail, f.ValidityYears, f.ContactName = "info@example.co.jp", 1, "申請 責任"
			f.Other = order.Names{Organization: "Sample Trading K.K.", ContactName: "Sekinin Shinsei"}
			f.Link, f.LinkExpires = "https://portal.example.com/confirm/"+token, time.Date(2026, 12, 19, 9, 0, 0, 0, time.UTC)
		})},
	}
}

// letter writes to a reader of the language; only some examples have the names of both.
func letter(e example, lang order.Language) order.Letter {
	if f := &e.facts; lang == order.English && f.Other != (order.Names{}) {
		own := order.Names{Organization: f.Organization, ContactName: f.ContactName}
		f.Organization, f.ContactName, f.Other = f.Other.Organization, f.Other.ContactName, own
	}
	return order.Letter{
		ID: "0198c6f2-0000-7000-8000-000000000001", Order: e.facts.Number, Kind: e.kind, Recipient: "tech@example.co.jp", Language: lang,
		Facts: e.facts, CreatedAt: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC), // a Friday before a Monday holiday
	}
}

func TestGoldenMails(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	for _, lang := range []order.Language{order.Japanese, order.English} {
		for _, e := range examples() {
			got, err := r.Render(letter(e, lang))
			require.NoError(t, err, e.name)
			golden(t, filepath.Join("testdata", string(lang), e.name+".txt"), "From: "+got.From+"\nSubject: "+got.Subject+"\n\n"+got.Text)
			golden(t, filepath.Join("testdata", string(lang), e.name+".html"), got.HTML)
		}
	}
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), got, name)
}

func TestMailsFitAWindow(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	for _, lang := range []order.Language{order.Japanese, order.English} {
		for _, e := range examples() {
			got, err := r.Render(letter(e, lang))
			require.NoError(t, err)
			require.NotContains(t, got.Subject, "\n", e.name)
			require.NotContains(t, got.Text, "\n\n\n", e.name)
			require.NotContains(t, got.HTML, "ZgotmplZ", e.name)
			for l := range strings.SplitSeq(got.Text, "\n") {
				if strings.Contains(l, "https://") || strings.HasPrefix(l, "    ") {
					continue // an address or a value to copy is never broken
				}
				require.LessOrEqual(t, mail.Columns(l), 76, "%s/%s: %s", lang, e.name, l)
			}
		}
	}
}

func TestWhatEachReaderNeedsIsThere(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	for _, row := range []struct {
		why, name string
		lang      order.Language
		want      []string
	}{
		{"G14, G15, G20: the receipt says by when the validation mail comes, over the holiday weekend", "receipt-email", order.Japanese,
			[]string{"1営業日以内", "2026年11月24日（火）", "Please validate ownership of your domain example.co.jp", "no-reply@digitalcertvalidation.com", "  1) ", "  3) "}},
		{"the same in English", "receipt-email", order.English, []string{"Tuesday, 24 November 2026", "in person", "  3) "}},
		{"G19: a TXT record to copy, and until when", "challenge-txt", order.Japanese,
			[]string{"    " + token + "\n", `example.co.jp. IN TXT "` + token + `"`, "2026年11月20日 00:30 JST", "2026年11月22日 18:00 JST"}},
		{"G19: a CNAME record to copy", "challenge-cname", order.English, []string{"IN CNAME dcv.example.com.", "20 November 2026, 00:30 JST"}},
		{"G18: place and content of the file", "challenge-file", order.Japanese, []string{"    http://example.co.jp/.well-known/pki-validation/fileauth.txt\n", "    " + token + "\n"}},
		{"G16: who did not apply learns what to do, in both languages", "reuse-confirmation", order.English,
			[]string{"this is not mine", "自分の申請ではない", "2026年11月22日 18:00 JST", "/confirm/" + token}},
		{"G10: what was entered, what is certified, and what to do about it", "corrected-contact", order.Japanese,
			[]string{"■ 入力された内容\n\n  申請団体名（英語）：Sample Trading\n", "■ 証明書に記載する内容\n\n  申請団体名（英語）：Sample Trading K.K.\n", "（記載しません）", "（記入なし）", "/status/" + token}},
		{"G10: the representative learns it, too", "corrected-representative", order.English, []string{"State/Province: Tokio", "State/Province: Tokyo", "contact the support"}},
		{"G24: the holder learns which certificate, under which number, and where to object", "reissue-notice-contact", order.Japanese,
			[]string{"4f1c9a7be02d5533a1b2c3d4e5f60718", "1234567800", "再発行のオーダー番号（1234567890）", "/status/" + token, "お心当たりがない場合"}},
		{"G24: the user of the address, how to revoke it, and what becomes of it", "reissue-notice-certificate", order.English,
			[]string{"To the user of info@example.co.jp", "/revoke/" + token, "within 24 hours", "If you did not expect this"}},
		{"G24: of one of several it says which address", "reissue-notice-undecided", order.Japanese, []string{"いず\nれかについて", "info@example.co.jp"}},
		{"G3: the receipt names what is renewed", "receipt-renewal", order.Japanese, []string{"4f1c9a7be02d5533a1b2c3d4e5f60718", "2026年12月24日"}},
		{"G3: or says that it is a new application", "receipt-renewal-of-nothing", order.Japanese, []string{"見つかりませんでした"}},
		{"a replaced value says so", "challenge-txt-replaced", order.Japanese, []string{"次の値に置き換えてください"}},
		{"one that is sent again is the same", "challenge-txt-resent", order.English, []string{"the same as before"}},
		{"the first value of another method replaces none", "challenge-txt-method-changed", order.Japanese, []string{"「DNS TXT認証」に変更しました", "以前の方式のためにお知らせした値"}},
		{"G17: both languages, what is approved, and what to do without having asked", "domain-approval", order.Japanese,
			[]string{"example.co.jp", "サンプル商事株式会社", "1234567890", "https://portal.example.com/approve/" + token + "\n", "お心当たりがない場合", "If you did not expect this"}},
		{"G21: order number and download link", "issued-contact", order.Japanese, []string{"1234567890", "https://portal.example.com/download/" + token + "\n"}},
		{"G12: the question", "inquiry", order.Japanese, []string{"> 登記または定款の英文表記をお知らせください。"}},
		{"what is awaited, from whom", "reminder", order.English, []string{"the DNS record", token, "What we are doing"}},
		{"G3: how long, which one, where to renew it, and how to hear no more", "expiry-reminder-contact", order.Japanese,
			[]string{"あと30日", "2026年12月19日 23:59 JST", "info@example.co.jp", "https://portal.example.com/renew/" + token + "\n", "https://portal.example.com/stop/" + token}},
		{"the same in English, the day before, to the address itself", "expiry-reminder-address", order.English, []string{"in 1 day", "19 December 2026"}},
		{"the reason", "rejected", order.Japanese, []string{"> 申請団体の電話番号を確認できませんでした。"}},
	} {
		for _, e := range examples() {
			if e.name != row.name {
				continue
			}
			got, err := r.Render(letter(e, row.lang))
			require.NoError(t, err)
			for _, w := range row.want {
				require.Contains(t, got.Text, w, row.why)
			}
		}
	}
}

func TestSubjectsAndSendersOfTheGuide(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	want := map[string][2]string{
		"receipt-email":      {"デジサート・ジャパン合同会社 <updates@digicert.com>", "セキュアメールID申請完了のご連絡（オーダー番号 1234567890）"},
		"domain-approval":    {"no-reply@digitalcertvalidation.com", "Please validate ownership of your domain example.co.jp"},
		"issued-certificate": {"DigiCert <admin@digicert.com>", "DigiCert：S/MIME証明書 発行のお知らせ"},
		"issued-contact":     {"DigiCert <admin@digicert.com>", "DigiCert: デジサートジャパン より証明書のご案内"},
	}
	seen := 0
	for _, e := range examples() {
		if expected, ok := want[e.name]; ok {
			got, err := r.Render(letter(e, order.Japanese))
			require.NoError(t, err)
			require.Equal(t, expected, [2]string{got.From, got.Subject})
			seen++
		}
	}
	require.Len(t, want, seen)
}

func TestALetterThatHelpsNobodyIsADefect(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	for _, row := range []struct {
		why    string
		letter order.Letter
	}{
		{"an unknown kind", order.Letter{Kind: "praise", Facts: order.Facts{Number: "1"}}},
		{"no order number", order.Letter{Kind: order.LetterReceipt}},
		{"a challenge without its value", order.Letter{Kind: order.LetterChallenge, Facts: order.Facts{Number: "1", Domain: "example.jp", Method: order.DCVTXT, RecordName: "example.jp"}}},
		{"a challenge for the e-mail method, which has a letter of its own", order.Letter{Kind: order.LetterChallenge, Facts: order.Facts{Number: "1", Domain: "example.jp", Method: order.DCVEmail}}},
		{"a status link that is none", order.Letter{Kind: order.LetterReceipt, Facts: order.Facts{Number: "1", StatusLink: "javascript:alert(1)"}}},
		{"a letter for a status link without one", order.Letter{Kind: order.LetterStatusLink, Facts: order.Facts{Number: "1"}}},
		{"an approval link that is none", order.Letter{Kind: order.LetterDomainApproval, Facts: order.Facts{Number: "1", Domain: "example.jp", Link: "javascript:alert(1)"}}},
		{"a download without its link, as after its facts were wiped", order.Letter{Kind: order.LetterIssuedContact, Facts: order.Facts{Number: "1"}}},
		{"a revocation without its link", order.Letter{Kind: order.LetterRevocationLink, Facts: order.Facts{Number: "1", Serial: "4f"}}},
		{"an answer without words", order.Letter{Kind: order.LetterReportAnswer, Facts: order.Facts{Number: "1", Serial: "4f"}}},
		{"a revocation of nothing", order.Letter{Kind: order.LetterRevoked, Facts: order.Facts{Number: "1"}}},
		{"a reminder that cannot be stopped", order.Letter{Kind: order.LetterExpiryReminder, Facts: order.Facts{
			Number: "1", CertificateEmail: "info@example.jp", Serial: "5a", NotAfter: time.Unix(1, 0), Link: "https://portal.example.com/renew/x",
		}}},
		{"a correction, as after its facts were wiped", order.Letter{Kind: order.LetterCorrected, Facts: order.Facts{Number: "1"}}},
		{"a reissue of nothing", order.Letter{Kind: order.LetterReissueNotice, Facts: order.Facts{Number: "1"}}},
		{"an inquiry without a question", order.Letter{Kind: order.LetterInquiry, Facts: order.Facts{Number: "1", Question: " \u202e\r\n"}}},
	} {
		_, err := r.Render(row.letter)
		require.Equal(t, fault.Internal, fault.KindOf(err), row.why)
	}
}

// allowed is every element that our pages are made of.
const allowed = " html head meta title body table tbody tr td div h2 p ul ol li strong a blockquote hr "

// outline returns the elements of a page and checks that it consists of ours, loads nothing and links nowhere but to where and to our
// support.
func outline(t testing.TB, page string, where ...string) []string {
	t.Helper()
	b := fullBrand()
	where = append(where, b.Support.URL, b.Support.PhoneURL, "mailto:"+b.Support.Email)
	var elements []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return elements
		case html.CommentToken:
			t.Fatalf("a comment in %s", page)
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			elements = append(elements, token.Data)
			require.Contains(t, allowed, " "+token.Data+" ")
			for _, a := range token.Attr {
				require.NotContains(t, []string{"src", "srcset", "background", "id", "class"}, a.Key)
				require.False(t, strings.HasPrefix(a.Key, "on"), a.Key)
				require.NotContains(t, a.Val, "url(")
				if a.Key == "href" {
					require.Contains(t, where, a.Val)
				}
			}
		}
	}
}

func TestHostileFactsStayText(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	hostile := `</td></table><script>alert(1)</script><img src=x onerror=alert(1)>{{.Link}}` + "\r\nBcc: other@example.com\r\n\r\n\u202e\u2066evil"
	for _, lang := range []order.Language{order.Japanese, order.English} {
		for _, e := range examples() {
			l := letter(e, lang)
			before, err := r.Render(l)
			require.NoError(t, err)
			f := &l.Facts
			for _, s := range []*string{&f.Number, &f.CertificateEmail, &f.Domain, &f.Organization, &f.ContactName, &f.RecordName, &f.RecordValue, &f.FileContent, &f.Serial, &f.Question, &f.Reason} {
				if *s != "" {
					*s = hostile
				}
			}
			for i := range f.Corrections {
				f.Corrections[i].Entered, f.Corrections[i].Certified = hostile, hostile
			}
			got, err := r.Render(l)
			require.NoError(t, err)
			require.Equal(t, outline(t, before.HTML, f.Link+f.StatusLink, f.StopLink), outline(t, got.HTML, f.Link+f.StatusLink, f.StopLink), "%s: the page has the same elements", e.name)
			require.NotContains(t, got.Subject, "\n")
			require.NotContains(t, "\n"+got.Text, "\nBcc:", "%s: nothing begins a line of its own", e.name)
			require.NotContains(t, got.Text+got.Subject+got.HTML, "\u202e")
		}
	}
}

// Each half of a mail in two languages writes the names in its own, whichever the application is in.
func TestBothHalvesOfAMailWriteTheirOwnNames(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	own := order.Names{Organization: "第三株式会社", ContactName: "申請 責任"}
	other := order.Names{Organization: "Third K.K.", ContactName: "Sekinin Shinsei"}
	for _, lang := range []order.Language{order.Japanese, order.English} {
		if lang == order.English {
			own, other = other, own
		}
		l := letter(example{kind: order.LetterReuse, facts: facts(func(f *order.Facts) {
			f.Link, f.Organization, f.ContactName, f.Other = "https://portal.example.com/confirm/"+token, own.Organization, own.ContactName, other
		})}, order.Japanese)
		l.Language = lang
		got, err := r.Render(l)
		require.NoError(t, err)
		for _, want := range []string{"申請 責任 様", "Dear Sekinin Shinsei,", "申請団体：第三株式会社", "Organisation: Third K.K."} {
			require.Contains(t, got.Text, want)
		}

		l.Facts.Other = order.Names{} // as earlier releases wrote it
		got, err = r.Render(l)
		require.NoError(t, err)
		require.Equal(t, 2, strings.Count(got.Text, own.Organization))
		l.Facts.ContactName, l.Facts.Other = "", other
		got, err = r.Render(l)
		require.NoError(t, err)
		require.NotContains(t, got.Text, other.ContactName, "whoever is not named stays so")
	}
}

func TestNamesCarryNoLinks(t *testing.T) {
	t.Parallel()
	l := letter(examples()[9], order.Japanese)
	require.Equal(t, order.LetterDomainApproval, l.Kind)
	for name, written := range map[string]string{
		"賞品は https://evil.example/win へ": "賞品は https[://]evil.example/win へ",
		"今すぐ example.org へ":              "今すぐ example[.]org へ",
		"今すぐｅｘａｍｐｌｅ．ｏｒｇへ":                "今すぐexample[.]orgへ",
		"Example.org K.K.":               "Example[.]org K.K.",
	} {
		l.Facts.Organization = name
		got, err := renderer(t, false).Render(l)
		require.NoError(t, err)
		require.Contains(t, got.Text, written)
		require.Contains(t, got.HTML, written)
		require.NotContains(t, got.Text, name)
		require.NotContains(t, got.HTML, name)
	}
}

// FuzzRender shows that no facts can break a mail: one line of subject, our elements only, no character that hides or turns text.
func FuzzRender(f *testing.F) {
	f.Add(0, true, "1234567890", "example.jp", "サンプル商事株式会社", "token", "質問\nです")
	f.Add(4, false, "1\r\nBcc: a@example.com", "<script>", "a\u202eb", "\x00\xff", "{{.}}\r\n.\r\n")
	r := renderer(f, true)
	f.Fuzz(func(t *testing.T, which int, japanese bool, number, domain, organization, value, words string) {
		all := examples()
		e := all[int(uint(which)%uint(len(all)))]
		lang := order.English
		if japanese {
			lang = order.Japanese
		}
		l := letter(e, lang)
		f := &l.Facts
		f.Number, f.Domain, f.Organization, f.ContactName = number, domain, organization, organization
		f.RecordName, f.RecordValue, f.FileContent, f.Serial = domain, value, value, value
		f.CertificateEmail, f.Question, f.Reason = value, words, words
		got, err := r.Render(l)
		if err != nil {
			require.Equal(t, fault.Internal, fault.KindOf(err))
			return
		}
		outline(t, got.HTML, f.Link+f.StatusLink, f.StopLink)
		for _, s := range []string{got.Subject, got.Text, got.HTML} {
			require.NotContains(t, s, "\r")
			require.NotContains(t, s, "\u202e")
			require.NotContains(t, s, "\x00")
		}
		require.NotContains(t, got.Subject, "\n")
	})
}
