package portal_test

import (
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
)

// revocation gives the order a certificate and returns the token of a link that revokes it.
func (s *site) revocation() (token string, cert order.Certificate) {
	s.t.Helper()
	cert, _ = s.issue(1)
	s.become(func(o *order.Status) {
		o.State = order.Issued
		o.Certificates = []order.CertificateView{{Sequence: 1, Serial: cert.Serial, NotAfter: cert.NotAfter}}
	})
	token = secret.Token()
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.links[string(secret.Hash(token))] = order.Link{
		ID: linkID, Order: number, Purpose: order.LinkRevocation, Sequence: 1, Recipient: "technical@example.co.jp", ExpiresAt: now.Add(time.Hour),
	}
	return token, cert
}

// revoke opens the page and sends its form as a browser would.
func (s *site) revoke(c *http.Client, token, reason string) page {
	s.t.Helper()
	shown := s.get(c, "/revoke/"+token)
	require.Equal(s.t, http.StatusOK, shown.StatusCode, shown.text)
	m := hidden.FindStringSubmatch(shown.text)
	require.Len(s.t, m, 2)
	r := s.request(http.MethodPost, "/revoke/"+token, url.Values{"form_token": {m[1]}, "reason": {reason}})
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, r)
}

func TestTheRevocationPageShowsWhatItRevokesAndChangesNothing(t *testing.T) {
	t.Parallel()
	for _, l := range []order.Language{order.Japanese, order.English} {
		s := open(t, l)
		token, cert := s.revocation()
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
			require.Equal(t, http.StatusOK, s.do(s.visitor(), s.request(method, "/revoke/"+token+"?reason=superseded", nil)).StatusCode)
		}
		text := s.get(s.visitor(), "/revoke/"+token).text
		for _, fact := range []string{number, cert.Serial, "smime-contact@example.co.jp"} {
			require.Contains(t, text, fact)
		}
		for _, reason := range order.SubscriberReasons() {
			require.Contains(t, text, template.HTMLEscapeString(reason.Text().In(string(l))))
		}
		require.NotContains(t, text, "privilegeWithdrawn", "that is for the CA to find")
		require.NotContains(t, text, "technical@example.co.jp")
		require.Empty(t, s.desk.mailed)
	}
}

func TestALinkRevokesOnceAndThenSaysSo(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	token, _ := s.revocation()
	c := s.visitor()
	for _, reason := range []string{"privilegeWithdrawn", ""} {
		p := s.revoke(c, token, reason)
		require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
		require.Contains(t, p.text, `<a href="#reason">`, "the form comes back with what is wrong")
		require.Contains(t, p.text, "失効の理由が選択されていません")
		require.NotEmpty(t, hidden.FindStringSubmatch(p.text))
	}
	require.Empty(t, s.desk.mailed)
	again := hidden.FindStringSubmatch(s.get(c, "/revoke/"+token).text)[1]
	done := s.revoke(c, token, "cessationOfOperation")
	require.Equal(t, http.StatusOK, done.StatusCode, done.text)
	require.Contains(t, done.text, "証明書を失効しました")
	require.Equal(t, []string{"revoked by " + linkID}, s.desk.mailed)
	s.record.use(token, func(l *order.Link) { l.UsedAt = now })
	require.Contains(t, s.get(s.visitor(), "/revoke/"+token).text, "証明書を失効しました", "whoever opens it later sees what became of it")
	twice := s.do(c, s.request(http.MethodPost, "/revoke/"+token, url.Values{"form_token": {again}, "reason": {"superseded"}}))
	require.Contains(t, twice.text, "証明書を失効しました", "a second click")
	require.Len(t, s.desk.mailed, 1)
	require.Contains(t, s.get(s.visitor(), "/download/"+s.download).text, "この証明書は失効しています")
}

func TestALinkThatDoesNotRevoke(t *testing.T) {
	t.Parallel()
	for why, row := range map[string]struct {
		change func(*order.Link)
		code   int
		text   string
	}{
		"has expired":                      {func(l *order.Link) { l.ExpiresAt = now }, http.StatusGone, "This link has expired"},
		"is used, without any effect":      {func(l *order.Link) { l.UsedAt = now }, http.StatusConflict, "already"},
		"is for another purpose":           {func(l *order.Link) { l.Purpose = order.LinkStatus }, http.StatusNotFound, ""},
		"is for a certificate that is not": {func(l *order.Link) { l.Sequence = 2 }, http.StatusNotFound, ""},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.English)
			token, _ := s.revocation()
			s.record.use(token, row.change)
			p := s.get(s.visitor(), "/revoke/"+token)
			require.Equal(t, row.code, p.StatusCode)
			require.Contains(t, p.text, row.text)
		})
	}
	s := open(t, order.English)
	token, _ := s.revocation()
	r := s.request(http.MethodPost, "/revoke/"+token, url.Values{"reason": {"superseded"}})
	require.Equal(t, http.StatusForbidden, s.do(s.visitor(), r).StatusCode, "a form that we did not show")
	require.Equal(t, http.StatusNotFound, s.get(s.visitor(), "/revoke/"+secret.Token()).StatusCode)
	require.Empty(t, s.desk.mailed)
}

func TestTheStatusPageMailsTheLinkForRevocation(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.revocation()
	c := s.visitor()
	require.Contains(t, s.get(c, s.page()).text, "失効のリンクをメールで送る")
	require.Equal(t, "/status/"+s.status+"?done=revocation", s.act(c, "revoke", nil).Header.Get("Location"))
	require.Contains(t, s.get(c, s.page()+"?done=revocation").text, "失効のお手続きのリンクをお送りします")
	require.Equal(t, []string{"revocation " + number + "/1"}, s.desk.mailed)
	s.desk.mail = fault.New(fault.TooMany, "letter.too-often", "", "")
	require.Equal(t, "/status/"+s.status+"?refused=letter.too-often", s.act(c, "revoke", nil).Header.Get("Location"))
	s.become(func(o *order.Status) {
		o.State, o.Certificates = order.Issued, []order.CertificateView{{Sequence: 1, Serial: "5a", RevokedAt: now, Reason: "keyCompromise"}}
	})
	text := s.get(c, s.page()).text
	require.NotContains(t, text, "失効のリンクをメールで送る")
	require.NotContains(t, text, "証明書を発行しました。", "what leads is the revocation")
	require.NotContains(t, text, "mark-done")
	lead, _, _ := strings.Cut(text, `id="line"`)
	for _, want := range []string{"この証明書は失効しました。", template.HTMLEscapeString(order.ReasonKeyCompromise.Text().JA), "失効日時"} {
		require.Contains(t, lead, want)
	}
	_, folded, found := strings.Cut(text, "失効した証明書をダウンロードする")
	require.True(t, found)
	require.Contains(t, folded, `id="download-send"`, "not the first thing to do")
	require.Contains(t, text, "<code>5a</code>")
}

func TestOCSPStandsBesideThePages(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 10)
	s := open(t, order.Japanese, func(c *portal.Config) {
		c.OCSP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths <- r.Method + " " + r.URL.Path
			if strings.HasSuffix(r.URL.Path, "panic") {
				panic("a defect")
			}
			_, _ = io.WriteString(w, "answer")
		})
	})
	for _, path := range []string{"/ocsp/MA//b", "/ocsp/a%2Bb%2F%2Fc", "/ocsp"} {
		p := s.get(s.visitor(), path)
		require.Equal(t, "answer", p.text, path)
		require.Empty(t, p.Header.Get("Content-Security-Policy"), "what is for browsers costs bytes")
	}
	require.Equal(t, "GET /ocsp/MA//b", <-paths, "no path is cleaned")
	require.Equal(t, "GET /ocsp/a+b//c", <-paths)
	require.Equal(t, "GET /ocsp", <-paths)
	r := s.request(http.MethodPost, "/ocsp", url.Values{})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, "answer", s.do(s.visitor(), r).text, "nothing here belongs to a visitor")
	require.Equal(t, http.StatusInternalServerError, s.get(s.visitor(), "/ocsp/panic").StatusCode)
	require.Equal(t, http.StatusNotFound, s.get(s.visitor(), "/ocspx").StatusCode)
	require.NotContains(t, s.log.String(), "MA//b", "the log has the route")
	none := open(t, order.Japanese)
	require.Equal(t, http.StatusNotFound, none.get(none.visitor(), "/ocsp").StatusCode)
}
