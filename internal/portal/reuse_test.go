package portal_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

const reuseLinkID = "0197f1f2-6b1c-7d5e-8a43-5c1d2e3f4a5c"

// offer gives the order's representative a confirmation link and returns its token.
func (s *site) offer() string {
	s.t.Helper()
	token := secret.Token()
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.links[string(secret.Hash(token))] = order.Link{ID: reuseLinkID, Order: number, Purpose: order.LinkReuse,
		Recipient: "representative@example.co.jp", ExpiresAt: now.Add(30 * 24 * time.Hour)}
	st := s.record.orders[number]
	st.Type = order.Renewal
	st.Reuse = &order.ReuseView{AskedAt: now, Until: now.Add(3 * 24 * time.Hour), Offered: []order.EvidenceRef{
		{Kind: order.DomainEvidence, Order: "4827160001", At: now.AddDate(0, -11, 0)},
		{Kind: order.OrganizationEvidence, Order: "4827160002", At: now.AddDate(-1, 0, 0)},
	}}
	s.record.orders[number] = st
	return token
}

// answerFor opens the confirmation page and presses a button.
func (s *site) answerFor(c *http.Client, token, decision string) page {
	s.t.Helper()
	shown := s.get(c, "/confirm/"+token)
	require.Equal(s.t, http.StatusOK, shown.StatusCode, shown.text)
	r := s.request(http.MethodPost, "/confirm/"+token, url.Values{"form_token": {hidden.FindStringSubmatch(shown.text)[1]}, "decision": {decision}})
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, r)
}

func TestConfirmationPageShowsTheApplicationAndWhatIsReused(t *testing.T) {
	t.Parallel()
	for language, facts := range map[order.Language][]string{
		order.Japanese: {"サンプル商事株式会社 (Sample Trading K.K.)", "情報システム部 申請 責任", "smime-contact@example.co.jp", "更新（有効期間 2年）", "4827160001", "4827160002",
			"ドメイン example.co.jp", "2025年11月22日", "自分の申請ではない", number},
		order.English: {"Sekinin Shinsei", "Renewal, 2-year validity", "validated for order 4827160002", "This is not mine"},
	} {
		t.Run(string(language), func(t *testing.T) {
			t.Parallel()
			s := open(t, language)
			p := s.get(s.visitor(), "/confirm/"+s.offer())
			require.Equal(t, http.StatusOK, p.StatusCode)
			for _, fact := range facts {
				require.Contains(t, p.text, fact)
			}
			require.NotContains(t, p.text, "312345678")
			require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
			require.Equal(t, "no-referrer", p.Header.Get("Referrer-Policy"))
		})
	}
}

func TestOpeningTheConfirmationPageAnswersNothing(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	token := s.offer()
	for _, method := range []string{"GET", "HEAD"} {
		for _, query := range []string{"", "?decision=approve", "?_method=POST"} {
			require.Equal(t, http.StatusOK, s.do(s.visitor(), s.request(method, "/confirm/"+token+query, nil)).StatusCode)
		}
	}
	require.Empty(t, s.engine.commands())
}

func TestTheRepresentativesAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, decision string
		language        order.Language
		confirmed       bool
		text            string
	}{
		{"confirmation in Japanese", "approve", order.Japanese, true, "確認を受け付けました"},
		{"confirmation in English", "approve", order.English, true, "Your confirmation has been recorded"},
		{"denial in Japanese", "deny", order.Japanese, false, "この申請で証明書が発行されることはありません"},
		{"denial in English", "deny", order.English, false, "No certificate will be issued"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, row.language)
			p := s.answerFor(s.visitor(), s.offer(), row.decision)
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Contains(t, p.text, row.text)
			require.Equal(t, []order.Command{order.ReuseConfirmed{
				Actor: order.Actor{Actor: "representative"}, Link: reuseLinkID, Approved: &row.confirmed,
			}}, s.engine.commands())
		})
	}
}

func TestAnAnswerMustComeFromOurPageAndSayWhich(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	token := s.offer()
	r := s.request(http.MethodPost, "/confirm/"+token, url.Values{"decision": {"approve"}})
	require.Equal(t, http.StatusForbidden, s.do(s.visitor(), r).StatusCode, "a form that we did not show")
	require.Equal(t, http.StatusBadRequest, s.answerFor(s.visitor(), token, "perhaps").StatusCode)
	require.Empty(t, s.engine.commands())
}

func TestConfirmationLinksThatDoNotWork(t *testing.T) {
	t.Parallel()
	for shows, row := range map[string]struct {
		link  func(*order.Link)
		order func(*order.Status)
		want  int
		text  string
	}{
		"an answered one":                {link: func(l *order.Link) { l.UsedAt = now }, want: http.StatusConflict, text: "すでに受け付けています"},
		"one that has expired":           {link: func(l *order.Link) { l.ExpiresAt = now }, want: http.StatusGone, text: "通常の認証を行います"},
		"of an order that was cancelled": {order: func(s *order.Status) { s.State = order.Cancelled }, want: http.StatusGone, text: "すでに終了しています"},
		"of an order that was validated and issued": {order: func(s *order.Status) { s.State = order.Issued }, want: http.StatusConflict,
			text: "至急サポートに"},
		"an approval link on this page": {link: func(l *order.Link) { l.Purpose = order.LinkApproval }, want: http.StatusNotFound, text: "リンクが正しくありません"},
	} {
		t.Run(shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			token := s.offer()
			if row.link != nil {
				s.record.use(token, row.link)
			}
			if row.order != nil {
				st := s.record.orders[number]
				row.order(&st)
				s.record.orders[number] = st
			}
			p := s.get(s.visitor(), "/confirm/"+token)
			require.Equal(t, row.want, p.StatusCode)
			require.Contains(t, p.text, row.text)
			r := s.request(http.MethodPost, "/confirm/"+token, url.Values{"decision": {"approve"}})
			require.Equal(t, row.want, s.do(s.visitor(), r).StatusCode)
			require.Empty(t, s.engine.commands())
		})
	}
	s := open(t, order.Japanese)
	require.Equal(t, http.StatusNotFound, s.get(s.visitor(), "/approve/"+s.offer()).StatusCode, "a confirmation link on the approval page")
}

func TestAnAnswerThatDoesNotArriveCanBeGivenAgain(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	token := s.offer()
	s.engine.reply = func(order.Command) (order.Outcome, error) {
		return order.Outcome{}, fault.New(fault.Unavailable, "engine.unavailable", "止まっています。", "It is down.")
	}
	p := s.answerFor(s.visitor(), token, "deny")
	require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
	require.Contains(t, p.text, "/confirm/"+token, "the page can be opened again")
	s.engine.reply = nil
	require.Equal(t, http.StatusOK, s.answerFor(s.visitor(), token, "deny").StatusCode)
}
