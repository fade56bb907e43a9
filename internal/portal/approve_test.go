package portal_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

func TestApprovalPageShowsWhatIsApprovedAndNoMore(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	p := s.get(s.visitor(), "/approve/"+s.approval)
	require.Equal(t, http.StatusOK, p.StatusCode)
	for _, fact := range []string{"example.co.jp", "サンプル商事株式会社 (Sample Trading K.K.)", "情報システム部 申請 責任", number, "＊＊＊@example.co.jp", "新規（有効期間 2年）", "2026年11月23日 12:00（日本時間）"} {
		require.Contains(t, p.text, fact)
	}
	for _, private := range []string{"smime-contact", "representative@", "technical@", "312345678", "admin@example.co.jp"} {
		require.NotContains(t, p.text, private)
	}
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", p.Header.Get("Referrer-Policy"))
	require.Contains(t, p.Header.Get("X-Robots-Tag"), "noindex")
}

func TestInternationalDomainIsShownInBothForms(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	o := sampleOrder(order.Japanese)
	o.Domain = "xn--r8jz45g.jp"
	s.record.orders[number] = o
	require.Contains(t, s.get(s.visitor(), "/approve/"+s.approval).text, "例え.jp (xn--r8jz45g.jp)")
}

func TestOpeningTheApprovalPageDecidesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	for _, row := range []struct{ shows, method, query, header, value string }{
		{"a person", "GET", "", "", ""},
		{"a browser that looks ahead", "GET", "", "Sec-Purpose", "prefetch;prerender"},
		{"a mail scanner that asks for the head", "HEAD", "", "", ""},
		{"a scanner that guesses the form's field", "GET", "?decision=approve", "", ""},
		{"a scanner that overrides the method", "GET", "?_method=POST", "X-HTTP-Method-Override", "POST"},
	} {
		r := s.request(row.method, "/approve/"+s.approval+row.query, nil)
		if row.header != "" {
			r.Header.Set(row.header, row.value)
		}
		require.Equal(t, http.StatusOK, s.do(s.visitor(), r).StatusCode, row.shows)
	}
	require.Empty(t, s.engine.commands())
	require.Equal(t, http.StatusOK, s.press(s.visitor(), "approve").StatusCode, "the link still works")
}

func TestDecision(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, decision string
		language        order.Language
		approved        bool
		text            string
	}{
		{"approval in Japanese", "approve", order.Japanese, true, "承認を受け付けました"},
		{"approval in English", "approve", order.English, true, "Your approval has been recorded"},
		{"denial in Japanese", "deny", order.Japanese, false, "「承認しない」を受け付けました"},
		{"denial in English", "deny", order.English, false, "Your refusal has been recorded"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, row.language)
			p := s.press(s.visitor(), row.decision)
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Contains(t, p.text, row.text)
			require.Equal(t, []order.Command{order.DomainApproved{Actor: order.Actor{Actor: "domain-owner"}, Link: linkID, Approved: &row.approved}}, s.engine.commands())
		})
	}
}

// TestFormMustComeFromOurPage: what another site, a scanner without cookies or a replayed form sends is refused.
func TestFormMustComeFromOurPage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows   string
		headers map[string]string
		cookies bool   // the visitor has opened the page before
		token   string // form token; "own" is the page's
		want    int
	}{
		{"the page's own form", map[string]string{"Sec-Fetch-Site": "same-origin"}, true, "own", http.StatusOK},
		{"our form from an old browser, with an origin", map[string]string{"Origin": "own"}, true, "own", http.StatusOK},
		{"our form from an old browser that hides its origin (no-referrer)", map[string]string{"Origin": "null"}, true, "own", http.StatusOK},
		{"our form from a browser that says nothing", nil, true, "own", http.StatusOK},
		{"another site's form", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example.com"}, true, "own", http.StatusForbidden},
		{"a sibling site's form", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.jp"}, true, "own", http.StatusForbidden},
		{"a sandboxed frame of another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, true, "own", http.StatusForbidden},
		{"another origin from an old browser", map[string]string{"Origin": "https://attacker.example.com"}, true, "own", http.StatusForbidden},
		{"a scanner that never opened the page", nil, false, "", http.StatusForbidden},
		{"a form token without the cookie", nil, false, secret.Token(), http.StatusForbidden},
		{"the cookie without a form token", nil, true, "", http.StatusForbidden},
		{"the cookie with somebody else's form token", nil, true, secret.Token(), http.StatusForbidden},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s, token := open(t, order.Japanese), row.token
			c := s.visitor()
			if row.cookies {
				own := hidden.FindStringSubmatch(s.get(c, "/approve/"+s.approval).text)[1]
				if token == "own" {
					token = own
				}
			}
			r := s.request(http.MethodPost, "/approve/"+s.approval, url.Values{"form_token": {token}, "decision": {"approve"}})
			for k, v := range row.headers {
				if v == "own" {
					v = s.URL
				}
				r.Header.Set(k, v)
			}
			p := s.do(c, r)
			require.Equal(t, row.want, p.StatusCode, p.text)
			require.Len(t, s.engine.commands(), map[bool]int{true: 1}[row.want == http.StatusOK])
		})
	}
}

// Who reads the first value and who reads the last must not understand different decisions.
func TestAFormSaysEachThingOnce(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	own := hidden.FindStringSubmatch(s.get(c, "/approve/"+s.approval).text)[1]
	for shows, form := range map[string]url.Values{
		"both decisions":        {"form_token": {own}, "decision": {"approve", "deny"}},
		"the same twice":        {"form_token": {own}, "decision": {"deny", "deny"}},
		"two form tokens":       {"form_token": {own, "x"}, "decision": {"approve"}},
		"something else, twice": {"form_token": {own}, "decision": {"approve"}, "x": {"", ""}},
	} {
		p := s.do(c, s.request(http.MethodPost, "/approve/"+s.approval, form))
		require.Equal(t, http.StatusBadRequest, p.StatusCode, shows)
	}
	require.Empty(t, s.engine.commands())
}

func TestTheCompanySpeaksThePagesLanguage(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	ja, en := s.get(s.visitor(), "/?lang=ja").text, s.get(s.visitor(), "/?lang=en").text
	require.Contains(t, ja, "サンプル認証局 サポート")
	require.NotContains(t, ja, "Example CA")
	require.Contains(t, en, "Example CA support")
	require.NotContains(t, en, "サンプル認証局")
}

func TestFormTokenOfOneLinkIsNoUseForAnother(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	other := secret.Token()
	s.record.links[string(secret.Hash(other))] = order.Link{ID: "link-3", Order: number, Purpose: order.LinkApproval, Challenge: "challenge-1", ExpiresAt: now.Add(time.Hour)}
	c := s.visitor()
	token := hidden.FindStringSubmatch(s.get(c, "/approve/"+s.approval).text)[1]
	p := s.do(c, s.request(http.MethodPost, "/approve/"+other, url.Values{"form_token": {token}, "decision": {"approve"}}))
	require.Equal(t, http.StatusForbidden, p.StatusCode)
	require.Empty(t, s.engine.commands())
}

func TestTwoLinksOpenedSideBySideBothWork(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	other := secret.Token()
	s.record.links[string(secret.Hash(other))] = order.Link{ID: "link-3", Order: number, Purpose: order.LinkApproval, Challenge: "challenge-1", ExpiresAt: now.Add(time.Hour)}
	c := s.visitor()
	first := hidden.FindStringSubmatch(s.get(c, "/approve/"+s.approval).text)[1]
	require.Equal(t, http.StatusOK, s.get(c, "/approve/"+other).StatusCode)
	p := s.do(c, s.request(http.MethodPost, "/approve/"+s.approval, url.Values{"form_token": {first}, "decision": {"approve"}}))
	require.Equal(t, http.StatusOK, p.StatusCode)
}

// TestLinksThatNoLongerWork: each way in which a link can have ended has its own page and status, for looking and deciding alike.
func TestLinksThatNoLongerWork(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows  string
		link   func(*order.Link)
		order  func(*order.Status)
		status int
		code   string
	}{
		{"used", func(l *order.Link) { l.UsedAt = now.Add(-time.Hour) }, nil, http.StatusConflict, "回答済みです"},
		{"used and expired: used says more", func(l *order.Link) { l.UsedAt, l.ExpiresAt = now.Add(-time.Hour), now.Add(-time.Minute) }, nil, http.StatusConflict, "回答済みです"},
		{"expired this very moment", func(l *order.Link) { l.ExpiresAt = now }, nil, http.StatusGone, "有効期限が過ぎています"},
		{"its random value is too old (A8)", nil, func(s *order.Status) { s.Challenge.ExpiresAt = now.Add(-time.Second) }, http.StatusGone, "有効期限が過ぎています"},
		{"replaced by a newer mail", nil, func(s *order.Status) { s.Challenge.ID = "challenge-2" }, http.StatusGone, "このリンクは使えなくなりました"},
		{"the method was changed", nil, func(s *order.Status) { s.Challenge.ID, s.Challenge.Method = "challenge-2", order.DCVTXT }, http.StatusGone, "このリンクは使えなくなりました"},
		{"another recipient has approved", nil, func(s *order.Status) {
			s.State, s.Challenge.SatisfiedAt = order.OrganizationValidation, now.Add(-time.Hour)
		}, http.StatusConflict, "ドメイン名の認証は完了しています"},
		{"the certificate has been issued", nil, func(s *order.Status) { s.State = order.Issued }, http.StatusConflict, "ドメイン名の認証は完了しています"},
		{"the order was cancelled", nil, func(s *order.Status) { s.State = order.Cancelled }, http.StatusGone, "この申請は終了しています"},
		{"the order has expired", nil, func(s *order.Status) { s.State = order.Expired }, http.StatusGone, "この申請は終了しています"},
		{"the link is for downloads", func(l *order.Link) { l.Purpose = order.LinkDownload }, nil, http.StatusNotFound, "リンクが正しくありません"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			c := s.visitor()
			token := hidden.FindStringSubmatch(s.get(c, "/approve/"+s.approval).text)[1] // opened while it still worked
			if row.link != nil {
				s.record.use(s.approval, row.link)
			}
			if row.order != nil {
				o := sampleOrder(order.Japanese)
				row.order(&o)
				s.record.orders[number] = o
			}
			shown := s.get(c, "/approve/"+s.approval)
			require.Equal(t, row.status, shown.StatusCode)
			require.Contains(t, shown.text, row.code)
			sent := s.do(c, s.request(http.MethodPost, "/approve/"+s.approval, url.Values{"form_token": {token}, "decision": {"approve"}}))
			require.Equal(t, row.status, sent.StatusCode)
			require.Empty(t, s.engine.commands())
		})
	}
}

// TestWhatTheRecordSaysOfAnEndedLink: the record knows why a link has ended, and the page says it.
func TestWhatTheRecordSaysOfAnEndedLink(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		status  int
		heading string
	}{
		"link.settled":  {http.StatusConflict, "ドメイン名の認証は完了しています"},
		"link.closed":   {http.StatusGone, "この申請は終了しています"},
		"link.replaced": {http.StatusGone, "このリンクは使えなくなりました"},
	} {
		s := open(t, order.Japanese)
		s.record.down = fault.New(fault.Conflict, code, "理由。", "The reason.")
		p := s.get(s.visitor(), "/approve/"+s.approval)
		require.Equal(t, want.status, p.StatusCode, code)
		require.Contains(t, p.text, want.heading)
		require.Contains(t, p.text, "理由。")
	}
}

func TestUnknownTokensAreNotFound(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	for _, token := range []string{secret.Token(), "x", s.approval[:42], s.approval + "A", s.approval[:42] + "=", "%00", "..%2f..%2fetc"} {
		p := s.get(s.visitor(), "/approve/"+token)
		require.Equal(t, http.StatusNotFound, p.StatusCode, token)
		require.Contains(t, p.text, "リンクが正しくありません")
	}
}

// TestDecisionThatCannotBeTaken: the answer is honest, the link stays usable where it is, and nothing internal shows.
func TestDecisionThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows   string
		outcome order.Outcome
		err     error
		status  int
		again   bool
	}{
		{"Temporal is down", order.Outcome{}, fault.New(fault.Unavailable, "engine.unavailable", "停止中", "down").Because(errors.New("dial tcp 10.1.2.3:7233")), http.StatusServiceUnavailable, true},
		{"no worker answers in time", order.Outcome{}, context.DeadlineExceeded, http.StatusServiceUnavailable, true},
		{"an unknown failure", order.Outcome{}, errors.New("dial tcp 10.1.2.3:7233"), http.StatusInternalServerError, true},
		{"the order refuses: somebody else was faster", order.Outcome{}, fault.New(fault.Conflict, "link.used", "使用済み", "used"), http.StatusConflict, false},
		{"the decision had been recorded before", order.Outcome{Applied: false}, nil, http.StatusConflict, false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			s.engine.answer = func(order.DomainApproved) (order.Outcome, error) { return row.outcome, row.err }
			c := s.visitor()
			p := s.press(c, "approve")
			require.Equal(t, row.status, p.StatusCode)
			require.NotContains(t, p.text, "10.1.2.3")
			require.Equal(t, row.again, regexpReopen.MatchString(p.text), p.text)
			s.engine.answer = nil
			require.Equal(t, http.StatusOK, s.press(c, "approve").StatusCode, "the portal itself uses nothing up")
		})
	}
}

func TestDecisionMustBeOneOfTwo(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{"", "APPROVE", "yes", "approve,deny"} {
		s := open(t, order.English)
		p := s.press(s.visitor(), decision)
		require.Equal(t, http.StatusBadRequest, p.StatusCode)
		require.Contains(t, p.text, "A decision is required.")
		require.Empty(t, s.engine.commands())
	}
}
