package portal_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// awkward makes strings that forms are attacked with or stumble over: markup and template fragments, SQL, header injection, control and
// direction characters, broken encodings and great lengths.
func awkward() []string {
	return []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, `' onfocus=alert(1) autofocus='`, "</textarea><script>alert(1)</script>", "<!--", "]]>", "&lt;b&gt;&#0;",
		"javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "{{.}}", "{{template \"input\"}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "%s%d%!", "%00", "%2e%2e%2f",
		"' OR '1'='1", "'; DROP TABLE orders; --", "\\'; SELECT pg_sleep(9); --", "x\r\nBcc: victim@example.com", "x\nSubject: other", "x%0d%0aBcc:victim@example.com", "=?utf-8?q?x?=",
		"=cmd|' /C calc'!A0", "../../etc/passwd", "\x00", "\x07\x1b[31m", "\u202etxt.exe", "\u2066x\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u0085", "\ufffd", "\ufffe", "\U000e0041", "\U0001f4a9",
		"\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "e\u0301", strings.Repeat("\u0301", 500), "ﾊﾝｶｸ", "①㈱Ⅲ", "раураl", "admin＠example.co.jp", "a@b@c", "<a@example.co.jp>",
		strings.Repeat("x", 5000), strings.Repeat("株", 5000), strings.Repeat("<", 9000), strings.Repeat("{{", 4000),
	}
}

// running lists the elements and attributes by which a page could run something.
func running(n *html.Node) (found []string) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		for _, a := range c.Attr {
			v := strings.ToLower(strings.TrimSpace(a.Val))
			if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) && (strings.HasPrefix(v, "javascript:") || strings.HasPrefix(v, "data:")) {
				found = append(found, c.Data+" "+a.Key+"="+a.Val)
			}
		}
		if slices.Contains([]string{"script", "img", "iframe", "object", "embed", "style", "base"}, c.Data) {
			found = append(found, c.Data)
		}
	}
	return found
}

// elements counts the elements of a page: one more than there were is one that was typed.
func elements(t *testing.T, body string) (count int, scripts []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	require.NoError(t, err)
	for range doc.Descendants() {
		count++
	}
	return count, running(doc)
}

func (s *site) answer(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	return w
}

// TestAwkwardStringsInEveryField: whatever is typed wherever, no page fails, nothing typed becomes part of a page, and nothing that is
// accepted holds what could break a mail's header or deceive a reader's eyes.
func TestAwkwardStringsInEveryField(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	s.desk.seen = func(a order.Application) { requireClean(t, a) }
	for i, name := range slices.Sorted(maps.Keys(filled(t))) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := filled(t)
			form.Set("step", "edit")
			plain, usual := elements(t, s.answer("/enroll", form).Body.String())
			for j, value := range awkward() {
				if (i+j)%2 == 1 { // around it or within it: half of them here, half at the next field
					value = "Sample" + value + "Trading"
				}
				form := filled(t)
				form.Set(name, value)
				paths := []string{"/enroll"}
				if name == "csr" || name == "certificate_email" || strings.HasPrefix(name, "organization.") {
					paths = append(paths, "/enroll/csr")
				}
				for _, path := range paths {
					w := s.answer(path, form)
					require.Less(t, w.Code, 500, "%s %q", path, value)
					_, found := elements(t, w.Body.String())
					require.Subset(t, usual, found, "%s %q", path, value)
				}
				form.Set("step", "edit")
				count, found := elements(t, s.answer("/enroll", form).Body.String())
				require.Equal(t, usual, found, "%q", value)
				require.InDelta(t, plain, count, 1, "%q", value) // an empty or shown text is one node more or less
			}
		})
	}
	require.Zero(t, s.desk.accepted())
}

// requireClean asserts that no text of an accepted form hides anything.
func requireClean(t *testing.T, a order.Application) {
	t.Helper()
	a.CSR = "" // has lines
	text, err := json.Marshal(a)
	require.NoError(t, err)
	var texts any
	require.NoError(t, json.Unmarshal(text, &texts))
	each(texts, func(s string) {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '<' || r == '>' }) {
			t.Errorf("accepted: %q", s) // perhaps from a subtest's goroutine
		}
	})
}

func each(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case map[string]any:
		for _, inner := range v {
			each(inner, visit)
		}
	}
}

// FuzzEnrollForm: no body in any encoding makes the form fail inside, run something, or hand anything in.
func FuzzEnrollForm(f *testing.F) {
	f.Add([]byte("voucher=1&organization.name=%3Cscript%3E"), "application/x-www-form-urlencoded", uint8(0))
	f.Add([]byte("step=edit&submission_key=x&language=xx&csr=%ff"), "application/x-www-form-urlencoded", uint8(0))
	f.Add([]byte("voucher=1&voucher=2"), "application/x-www-form-urlencoded", uint8(0))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"csr_file\"; filename=\"a\"\r\n\r\n\xff0\r\n--b--\r\n"), "multipart/form-data; boundary=b", uint8(1))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"csr\"\r\n\r\n-----BEGIN PRIVATE KEY-----\r\n--b--\r\n"), "multipart/form-data; boundary=b", uint8(1))
	f.Add([]byte("{}"), "application/json", uint8(2))
	paths := []string{"/enroll", "/enroll/csr", "/enroll/submit"}
	s := open(f, order.Japanese, unlimited, func(c *portal.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	f.Fuzz(func(t *testing.T, body []byte, kind string, path uint8) {
		r := httptest.NewRequest(http.MethodPost, paths[int(path)%len(paths)], bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatal(w.Code)
		}
		text := strings.ToLower(w.Body.String())
		if strings.Count(text, "<script") > strings.Count(text, `<script type="module" src="/static/`) || strings.Contains(text, "<img") {
			t.Fatal(text)
		}
		if s.desk.calls != 0 {
			t.Fatal("handed in")
		}
	})
}
