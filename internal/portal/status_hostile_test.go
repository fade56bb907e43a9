package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// TestAwkwardTextIsHarmless: nothing that is typed into the forms fails inside, comes back as markup, or reaches the order unless it
// may stand in a message.
func TestAwkwardTextIsHarmless(t *testing.T) {
	t.Parallel()
	s := at(t, "inquiry", order.Japanese, unlimited)
	c := s.visitor()
	shown, cancel := s.get(c, s.page()).text, s.get(c, s.page()+"/cancel").text
	find := s.get(c, "/status").text
	for _, text := range append(awkward(), "a\r\n\r\nb", " \t　", "4827160935", strings.Repeat("A", 1<<20)) {
		name := strings.ToValidUTF8(text[:min(len(text), 40)], "?")
		for _, row := range []struct {
			path, page string
			fields     url.Values
		}{
			{s.page() + "/answer", shown, url.Values{"answer": {text}}},
			{s.page() + "/cancel", cancel, url.Values{"reason": {text}}},
			{s.page() + "/method", shown, url.Values{"dcv_method": {text}}},
			{"/status", find, url.Values{"order_number": {text}, "contact_email": {"technical@example.co.jp" + text}}},
		} {
			row.fields.Set("form_token", token(t, row.page, row.path))
			p := s.do(stay(c), s.request(http.MethodPost, row.path, row.fields))
			require.Less(t, p.StatusCode, 500, "%s: %s", row.path, name)
			for _, markup := range []string{"<script>alert", "<img src=x", `onfocus="alert`, "\x00"} {
				require.NotContains(t, p.text, markup, "%s: %s", row.path, name)
			}
			require.NotContains(t, p.Header.Get("Location"), "Bcc")
			require.Empty(t, p.Header.Get("Bcc"))
			if len(text) > 1<<19 {
				require.Equal(t, http.StatusRequestEntityTooLarge, p.StatusCode)
			}
		}
	}
	for _, sent := range s.engine.commands() {
		require.Empty(t, sent.Check(), "what reaches the order keeps its rules")
	}
	require.NotContains(t, s.log.String(), "DROP TABLE", "no log line repeats what strangers type")
}

// TestHostileAnswersFromTheDNSStayText: what a stranger publishes is shown and stays text.
func TestHostileAnswersFromTheDNSStayText(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.record.orders[number] = full(order.Japanese, func(o *order.Status) {
		o.Challenge.LastFinding.JA = `値が異なります: “</p><script>alert(1)</script>{{.}}”`
		o.Inquiries = []order.Inquiry{{Question: `</blockquote><script>alert(1)</script>`}}
	})
	for _, path := range []string{s.page(), s.page() + "/progress"} {
		text := s.get(s.visitor(), path).text
		require.NotContains(t, text, "<script>alert")
		require.Contains(t, text, "&lt;script&gt;alert(1)&lt;/script&gt;{{.}}")
	}
}

// FuzzStatusForms: whatever is sent to the forms, by a browser that we have shown them to, is answered without a failure inside, and
// reaches the order only as a message that keeps its rules.
func FuzzStatusForms(f *testing.F) {
	for i, text := range []string{"", "answer=x", "answer=a%0D%0Ab", "reason=%00", "dcv_method=file", "order_number=4827160935&contact_email=a%40example.jp", "answer=x&answer=y", "answer=%zz", "a=%E2%80%AE;b", "\r\n\r\n"} {
		f.Add(uint8(i), text)
	}
	s := at(f, "inquiry", order.Japanese, unlimited)
	c := s.visitor()
	shown, cancel, find := s.get(c, s.page()).text, s.get(c, s.page()+"/cancel").text, s.get(c, "/status").text
	base, err := url.Parse(s.URL)
	require.NoError(f, err)
	cookies := c.Jar.Cookies(base)
	type target struct{ path, token string }
	targets := []target{{"/status", token(f, find, "/status")}, {s.page() + "/cancel", token(f, cancel, s.page()+"/cancel")}}
	for _, action := range []string{"answer", "method", "check", "resend"} {
		targets = append(targets, target{s.page() + "/" + action, token(f, shown, s.page()+"/"+action)})
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		to := targets[int(which)%len(targets)]
		r := httptest.NewRequest(http.MethodPost, to.path, strings.NewReader("form_token="+url.QueryEscape(to.token)+"&"+body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == http.StatusForbidden {
			t.Fatalf("%s: status %d", to.path, w.Code)
		}
		for _, sent := range s.engine.forget() {
			if broken := sent.Check(); len(broken) > 0 && w.Code != http.StatusUnprocessableEntity {
				t.Fatalf("%+v: %+v", sent, broken)
			}
		}
	})
}

// forget returns what was sent and forgets it.
func (e *engine) forget() []order.Command {
	e.mu.Lock()
	defer e.mu.Unlock()
	got := e.got
	e.got = nil
	return got
}
