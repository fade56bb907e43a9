package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
)

// unlimited keeps rate limits out of a fuzz run.
func unlimited(c *portal.Config) {
	c.Limits = portal.Limits{Decisions: 1 << 30, Misses: 1 << 30, Forms: 1 << 30, Previews: 1 << 30, Deeds: 1 << 30, Mails: 1 << 30, OriginalRefusals: 1 << 30, OriginalRefusalsInAll: 1 << 30}
}

// FuzzToken: whatever stands where the token belongs, no stranger gets past the door, nothing fails inside and nothing is decided.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "x", secret.Token(), strings.Repeat("A", 43), "%2e%2e%2f", "ひらがな", "a b", "../../etc/passwd", "A\x00B", strings.Repeat("-", 5000)} {
		f.Add(seed)
	}
	s := open(f, order.Japanese, unlimited)
	f.Fuzz(func(t *testing.T, token string) {
		for _, target := range []string{"/approve/" + url.PathEscape(token), "/confirm/" + url.PathEscape(token), "/renew/" + url.PathEscape(token), "/stop/" + url.PathEscape(token), "/download/" + url.PathEscape(token), "/download/" + url.PathEscape(token) + "/file", "/status/" + url.PathEscape(token), "/status/" + url.PathEscape(token) + "/progress", "/ca/" + url.PathEscape(token), "/crl/" + url.PathEscape(token)} {
			w := httptest.NewRecorder()
			s.Config.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
			if w.Code != http.StatusNotFound && w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect {
				t.Fatalf("%q: %d", target, w.Code)
			}
		}
		if len(s.engine.commands()) != 0 {
			t.Fatal("decided")
		}
	})
}

// FuzzApprovalForm: no body, cookie or origin that a stranger can make up decides anything or fails inside.
func FuzzApprovalForm(f *testing.F) {
	f.Add("decision=approve", "", "", "")
	f.Add("form_token=x&decision=approve", "smid-form="+strings.Repeat("A", 43), "null", "")
	f.Add("decision=%zz", "smid-form=;;;", "https://attacker.example.com", "cross-site")
	f.Add("decision=deny&decision=approve", "smid-lang=en", "", "same-origin")
	s := open(f, order.Japanese, unlimited)
	f.Fuzz(func(t *testing.T, body, cookie, origin, site string) {
		r := httptest.NewRequest(http.MethodPost, "/approve/"+s.approval, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, v := range map[string]string{"Cookie": cookie, "Origin": origin, "Sec-Fetch-Site": site} {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code < 400 || w.Code >= 500 {
			t.Fatalf("status %d", w.Code)
		}
		if len(s.engine.commands()) != 0 {
			t.Fatal("decided")
		}
	})
}
