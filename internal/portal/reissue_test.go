package portal_test

import (
	"context"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
)

func (d *desk) validateReissue(r order.ReissueRequest) (order.NormalizedReissue, error) {
	book, _ := policy.Open(policy.Guide)
	return order.ValidateReissue(r, book.At(now).Limits())
}

func (d *desk) CheckReissue(_ context.Context, r order.ReissueRequest) (order.ReissueRequest, error) {
	n, err := d.validateReissue(r)
	return n.Request, err
}

// Reissue makes an order of the request, one for each key.
func (d *desk) Reissue(_ context.Context, r order.ReissueRequest, key string) (order.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	n, err := d.validateReissue(r)
	if err != nil {
		return order.Receipt{}, err
	}
	if d.notAgain != nil {
		return order.Receipt{}, d.notAgain
	}
	d.record.mu.Lock()
	defer d.record.mu.Unlock()
	if number, known := d.record.keys[key]; known {
		if d.record.orders[number].Application.CSR != n.Request.CSR || d.record.orders[number].Reissue.Reason != n.Request.Reason {
			return order.Receipt{}, fault.New(fault.Conflict, "submission.key-reused", "同じ申込識別キーで内容の異なるお申し込みがあります。", "Another application has been handed in under the same idempotency key.")
		}
		return order.Receipt{Number: number, Repeated: true}, nil
	}
	s := sampleOrder(n.Request.Language)
	s.Number, s.Type, s.State, s.DeadlineAt = newNumber(), order.Reissue, order.Review, now.AddDate(0, 0, 90)
	s.Application.CSR, s.Application.TechnicalContact = n.Request.CSR, n.Request.TechnicalContact
	s.Reissue = &order.ReissueView{Reason: n.Request.Reason, Candidates: []order.OriginalView{{NotAfter: n.Until().Add(-time.Second)}}}
	d.record.keys[key], d.record.orders[s.Number] = s.Number, s
	return order.Receipt{Number: s.Number}, nil
}

// requested is the form for a reissue as somebody fills it in.
func requested(t testing.TB) url.Values {
	t.Helper()
	form := filled(t)
	for name := range form {
		if strings.HasPrefix(name, "organization.") || name == "voucher" || name == "type" || name == "validity_years" || name == "certificate_email" || name == "dcv_method" {
			form.Del(name)
		}
	}
	form.Set("original", "４Ａ:0b:1c")
	form.Set("expires_on", "2027年11月21日")
	form.Set("reason", "new-device")
	form.Set("reason_text", "")
	return form
}

// reviewed sends the form and returns the confirm page with what it carries along.
func (s *site) reviewed(c *http.Client, form url.Values) (page, url.Values) {
	s.t.Helper()
	if !form.Has("submission_key") {
		form.Set("submission_key", carriedBy(s.get(c, "/reissue")).Get("submission_key"))
	}
	p := s.post(c, "/reissue", form)
	require.Equal(s.t, http.StatusOK, p.StatusCode, p.text)
	return p, carriedBy(p)
}

func TestReissueFormShowsWhatTheGuideAsksFor(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	p := s.get(s.visitor(), "/reissue")
	require.Equal(t, http.StatusOK, p.StatusCode)
	for name := range requested(t) {
		require.Contains(t, p.text, `name="`+name+`"`)
	}
	for _, shown := range []string{"RSA SHA-2 (SHA-256)", ">2048（以上）<", "バウチャー・クーポンは不要", `href="/enroll"`, "変更する場合は新規のお申し込み", `href="https://www.example.com/terms.pdf"`} {
		require.Contains(t, p.text, shown)
	}
	require.NotContains(t, p.text, `name="voucher"`)
	require.Equal(t, "/reissue", s.get(s.visitor(), "/reissue/submit").Request.URL.Path, "a reload of an answer")
}

func TestFromTheReissueFormToItsReceipt(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	p, carried := s.reviewed(c, requested(t))
	for _, shown := range []string{"4a0b1c", "４Ａ:0b:1c", "2027-11-21", "2027年11月21日", "機器やメールソフトを変更した", "RSA 2048ビット", "使うのはこの公開鍵だけ", `action="/reissue/submit"`} {
		require.Contains(t, p.text, shown)
	}
	require.Zero(t, s.desk.accepted(), "a review hands nothing in")
	edited := s.post(c, "/reissue", withStep(carried))
	require.Contains(t, edited.text, `value="４Ａ:0b:1c"`, "as it was typed")

	receipt := s.post(c, "/reissue/submit", carried)
	require.Equal(t, http.StatusOK, receipt.StatusCode, receipt.text)
	token := strings.TrimPrefix(receipt.Request.URL.Path, "/receipt/")
	number := s.record.keys[carried.Get("submission_key")]
	for _, shown := range []string{"再発行のお申し込みを受け付けました", number, "t***@example.jp", `href="/status/` + token + `"`, "2027年11月21日 23:59", "当社の担当者が"} {
		require.Contains(t, receipt.text, shown)
	}
	require.NotContains(t, receipt.text, "失効します")
	require.Equal(t, order.LinkStatus, s.record.links[string(secret.Hash(token))].Purpose)
	require.Equal(t, 1, s.desk.accepted())
}

func withStep(v url.Values) url.Values {
	out := url.Values{"step": {"edit"}}
	for name := range v {
		out.Set(name, v.Get(name))
	}
	return out
}

func TestACompromisedKeyIsToldToBeRevoked(t *testing.T) {
	t.Parallel()
	s := open(t, order.English)
	c, form := s.visitor(), requested(t)
	form.Set("reason", "key-compromise")
	form.Set("language", "en")
	_, carried := s.reviewed(c, form)
	require.Contains(t, s.post(c, "/reissue/submit?lang=en", carried).text, "revoke the original within 24 hours")
}

// TestWhatARequestIsRefusedFor: each refusal keeps what was typed and says what to do.
func TestWhatARequestIsRefusedFor(t *testing.T) {
	t.Parallel()
	unknown := &fault.Error{Kind: fault.NotFound, Code: "reissue.unknown", Text: fault.Text{JA: "見つかりません。", EN: "Not found."}, Fields: []fault.Field{
		{Path: "original", Code: "reissue.unknown", Rule: fault.Text{JA: "該当なし。", EN: "None fits."}, Remedy: fault.Text{JA: "両方を確認。", EN: "Check both."}},
		{Path: "expires_on", Code: "reissue.unknown", Rule: fault.Text{JA: "該当なし。", EN: "None fits."}, Remedy: fault.Text{JA: "両方を確認。", EN: "Check both."}},
	}}
	sameKey := fault.InvalidFields([]fault.Field{{Path: "csr", Code: "csr.same-key", Rule: fault.Text{JA: "同じ鍵。", EN: "Same key."}, Remedy: fault.Text{JA: "新しい鍵。", EN: "New key."}}})
	for _, row := range []struct {
		shows  string
		err    error
		status int
		want   []string
		anew   bool
	}{
		{"nothing fits, without saying what is wrong", unknown, http.StatusUnprocessableEntity, []string{`href="#original"`, `href="#expires_on"`}, false},
		{"the old key again", sameKey, http.StatusUnprocessableEntity, []string{`href="#csr"`}, false},
		{"an expired certificate", fault.New(fault.Conflict, "reissue.expired", "期限切れ。", "Expired."), http.StatusConflict, []string{"期限切れ。"}, true},
		{"a revoked certificate", fault.New(fault.Conflict, "reissue.revoked", "失効済み。", "Revoked."), http.StatusConflict, []string{"失効済み。"}, true},
		{"another request under way, and where to ask", fault.New(fault.Conflict, "reissue.under-way", "手続き中。", "Under way."), http.StatusConflict, []string{"手続き中。", "サポートへの連絡方法"}, false},
		{"asked for too often, and where to ask", fault.New(fault.TooMany, "reissue.too-often", "何度も。", "Too often."), http.StatusTooManyRequests, []string{"何度も。", "サポートへの連絡方法"}, false},
		{"an engine that does not answer", errUnreachable, http.StatusServiceUnavailable, []string{"そのまま残っています"}, false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			c := s.visitor()
			_, carried := s.reviewed(c, requested(t))
			s.desk.notAgain = row.err
			p := s.post(c, "/reissue/submit", carried)
			require.Equal(t, row.status, p.StatusCode)
			for _, w := range row.want {
				require.Contains(t, p.text, w)
			}
			require.Contains(t, p.text, "４Ａ:0b:1c", "what was typed is kept")
			require.Equal(t, row.anew, strings.Contains(p.text, "新規のお申し込みへ"))
			require.Zero(t, s.desk.accepted())
			if fault.Permanent(row.err) {
				require.NotEqual(t, carried.Get("submission_key"), carriedBy(p).Get("submission_key"), "a corrected form is another one")
			}
		})
	}
}

// TestAWishForOtherDetailsLeadsToTheApplication (G25).
func TestAWishForOtherDetailsLeadsToTheApplication(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	form := requested(t)
	form.Set("reason", "details-changed")
	p := s.post(s.visitor(), "/reissue", form)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, p.text, `<a href="/enroll">新規のお申し込みへ</a>`)
	require.Contains(t, p.text, `href="#reason"`)
}

func TestOneReissueFormIsOneOrder(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	c := s.visitor()
	_, carried := s.reviewed(c, requested(t))
	receipts := make([]string, 50)
	var all sync.WaitGroup
	for i := range receipts {
		all.Go(func() { receipts[i] = s.post(c, "/reissue/submit", carried).Request.URL.Path })
	}
	all.Wait()
	for _, r := range receipts {
		require.Equal(t, receipts[0], r)
	}
	require.Equal(t, 1, s.desk.accepted())
	carried.Set("reason", "key-lost")
	p := s.post(c, "/reissue/submit", carried)
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, p.text, `href="`+receipts[0]+`"`, "changed since, it leads to what was accepted")
}

func TestOnlyOurConfirmPageAsksForAReissue(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	_, carried := s.reviewed(s.visitor(), requested(t))
	require.Equal(t, http.StatusForbidden, s.post(s.visitor(), "/reissue/submit", carried).StatusCode, "a browser without our cookie")
	r := s.request(http.MethodPost, "/reissue/submit", carried)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(s.visitor(), r).StatusCode)
	c := s.visitor()
	_, ofEnroll := s.confirm(c, filled(t))
	_, carried = s.reviewed(c, requested(t))
	carried.Set("form_token", ofEnroll.Get("form_token"))
	require.Equal(t, http.StatusForbidden, s.post(c, "/reissue/submit", carried).StatusCode, "the token of another form")
	require.Zero(t, s.desk.calls)
}

// TestCertificatesCannotBeGuessed: after so many wrong guesses nothing more is looked up, right or wrong.
func TestCertificatesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, func(c *portal.Config) { c.Limits.OriginalRefusals = 3 })
	c := s.visitor()
	_, carried := s.reviewed(c, requested(t))
	s.desk.notAgain = &fault.Error{Kind: fault.NotFound, Code: "reissue.unknown", Fields: []fault.Field{{Path: "original", Code: "reissue.unknown"}}}
	for range 3 {
		require.Equal(t, http.StatusUnprocessableEntity, s.post(c, "/reissue/submit", carried).StatusCode)
	}
	s.desk.notAgain = nil
	p := s.post(c, "/reissue/submit", carried)
	require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
	require.Contains(t, p.text, "1時間ほど待って")
	require.Equal(t, 3, s.desk.calls)
}

func TestTheCSRPreviewOfAReissueSaysThatOnlyTheKeyCounts(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	text := request(t, pkix.Name{CommonName: "other@example.com", Organization: []string{"Other K.K."}})
	p := s.post(s.visitor(), "/enroll/csr", url.Values{"csr": {text}, "kind": {"reissue"}})
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, p.text, "使うのはこの公開鍵だけ")
	require.NotContains(t, p.text, "違いはありません")
}

// TestAwkwardStringsInEveryFieldOfAReissue: nothing that can be typed fails inside, runs in the page or adds an element to it.
func TestAwkwardStringsInEveryFieldOfAReissue(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	for name := range requested(t) {
		plain := requested(t)
		plain.Del("terms_accepted") // so that the form always comes back
		plain.Set(name, "")
		count, scripts := elements(t, s.answer("/reissue", plain).Body.String())
		for _, a := range awkward() {
			form := requested(t)
			form.Del("terms_accepted")
			form.Set(name, a)
			w := s.answer("/reissue", form)
			require.Less(t, w.Code, 500, "%s: %q", name, a)
			if w.Code == http.StatusRequestEntityTooLarge || w.Code == http.StatusBadRequest {
				continue // an error page without the form
			}
			got, running := elements(t, w.Body.String())
			require.Equal(t, scripts, running, "%s: %q", name, a)
			require.InDelta(t, count, got, 20, "%s: %q", name, a)
		}
	}
}

// FuzzReissueForm: no body that a stranger can make up fails inside, or becomes an order without a confirm page of ours.
func FuzzReissueForm(f *testing.F) {
	f.Add(requested(f).Encode())
	f.Add("original=%ff&expires_on=2027-11-21&reason=other")
	f.Add("reason=details-changed&reason=other")
	s := open(f, order.Japanese, unlimited)
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/reissue", "/reissue/submit"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.Config.Handler.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		if s.desk.accepted() != 0 {
			t.Fatal("handed in")
		}
	})
}
