package portal_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/portal"
)

// requireKept asserts that the page holds everything that was typed, in fields to be seen or carried along.
func requireKept(t *testing.T, p page, form url.Values) {
	t.Helper()
	for name := range form {
		value := html.EscapeString(strings.TrimSpace(form.Get(name)))
		value = strings.ReplaceAll(strings.ReplaceAll(value, "+", "&#43;"), "\r", "&#13;")
		require.Contains(t, p.text, value, name)
	}
}

// TestEveryFieldSaysWhatIsWrongWithIt: each field, left empty, brings the form back with everything else kept, marked and linked to.
func TestEveryFieldSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	c := s.visitor()
	for name := range filled(t) {
		if name == "language" || name == "organization.unit" {
			continue
		}
		form := filled(t)
		form.Del(name)
		p := s.post(c, "/enroll", form)
		require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode, name)
		id := strings.ReplaceAll(name, ".", "-")
		require.Contains(t, p.text, `<a href="#`+id+`">`, "the summary leads to the field")
		require.Contains(t, p.text, `id="`+id+`-fault"`)
		require.Equal(t, 1, strings.Count(p.text, `aria-invalid="true"`), name)
		require.Contains(t, p.text, "<title>エラー")
		requireKept(t, p, form)
	}
	require.Zero(t, s.desk.calls)
}

func TestAPrivateKeyIsNotSentBack(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	form := filled(t)
	secretPart := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(anyKey())})
	form.Set("csr", string(secretPart))
	p := s.post(s.visitor(), "/enroll", form)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, p.text, "秘密鍵は誰にも送ってはいけません")
	require.NotContains(t, p.text, "BEGIN PRIVATE KEY")
}

// TestVoucherRefused: the form comes back with the voucher marked, all else kept, and goes through with another number.
func TestVoucherRefused(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.desk.refuse = func(order.Application) error {
		return fault.New(fault.Conflict, "voucher.used", "このバウチャー/クーポンは既に使われています。", "This voucher has been used already.")
	}
	c := s.visitor()
	_, carried := s.confirm(c, filled(t))
	p := s.post(c, "/enroll/submit", carried)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, p.text, `id="voucher-fault"`)
	require.Contains(t, p.text, "既に使われています")
	requireKept(t, p, filled(t))
	again := filled(t)
	again.Set("submission_key", carriedBy(p).Get("submission_key"))
	require.NotEqual(t, carried.Get("submission_key"), again.Get("submission_key"), "a corrected form is another one")
	require.NotContains(t, s.log.String(), "1234567890123450")

	s.desk.refuse = nil
	_, carried = s.confirm(c, again)
	s.arrive(c, carried)
	require.Equal(t, 1, s.desk.accepted())
}

// A voucher for another validity: either may be what is wrong.
func TestAVoucherForAnotherValidityMarksBoth(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.desk.refuse = func(order.Application) error {
		return fault.New(fault.Conflict, "voucher.validity", "このバウチャー/クーポンは有効期間2年用です。", "This voucher is for a certificate of 2 year(s).")
	}
	c := s.visitor()
	_, carried := s.confirm(c, filled(t))
	p := s.post(c, "/enroll/submit", carried)
	for _, id := range []string{"voucher-fault", "validity_years-fault"} {
		require.Contains(t, p.text, `id="`+id+`"`)
	}
	require.Contains(t, p.text, "有効期間を変更するか")
}

// TestWithoutEngineOrRecordNothingIsLost: the confirm page comes back, says so and goes through when they are there again; an answer that
// was lost on its way makes no second order.
func TestWithoutEngineOrRecordNothingIsLost(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows     string
		fail, end func(*site)
		status    int
	}{
		{"Temporal does not answer", func(s *site) { s.desk.refuse = func(order.Application) error { return errUnreachable } }, func(s *site) { s.desk.refuse = nil }, http.StatusServiceUnavailable},
		{"the answer is lost", func(s *site) { s.desk.lost = true }, func(s *site) { s.desk.lost = false }, http.StatusServiceUnavailable},
		{"the record goes away after the order was accepted", func(s *site) { s.record.down = errUnreachable }, func(s *site) { s.record.down = nil }, http.StatusServiceUnavailable},
		{"something breaks", func(s *site) { s.desk.refuse = func(order.Application) error { return http.ErrBodyNotAllowed } }, func(s *site) { s.desk.refuse = nil }, http.StatusInternalServerError},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			c := s.visitor()
			_, carried := s.confirm(c, filled(t))
			row.fail(s)
			p := s.post(c, "/enroll/submit", carried)
			require.Equal(t, row.status, p.StatusCode)
			require.Regexp(t, regexpReference, p.text)
			require.Contains(t, p.text, "そのまま残っています")
			require.NotContains(t, p.text, "not allowed", "nothing internal is shown")
			kept := carriedBy(p)
			require.Equal(t, carried, kept)

			row.end(s)
			s.arrive(c, kept)
			require.Equal(t, 1, s.desk.accepted())
		})
	}
}

// TestOneFormIsOneOrder: double click, reload, the back button and two tabs, at the same moment or later.
func TestOneFormIsOneOrder(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	c := s.visitor()
	_, carried := s.confirm(c, filled(t))
	receipts := make([]string, 100)
	var all sync.WaitGroup
	for i := range receipts {
		all.Go(func() { receipts[i] = s.post(c, "/enroll/submit", carried).Request.URL.Path })
	}
	all.Wait()
	for _, r := range receipts {
		require.Contains(t, r, "/receipt/")
		require.Equal(t, receipts[0], r)
	}
	form := filled(t)
	form.Set("submission_key", carried.Get("submission_key"))
	_, back := s.confirm(c, form)
	require.Equal(t, receipts[0], s.arrive(c, back).Request.URL.Path)
	require.Equal(t, 1, s.desk.accepted())
}

// TestAChangedFormIsNotTheOrderItWas: the key of an order with other content leads to that order's receipt, and to a new one on request.
func TestAChangedFormIsNotTheOrderItWas(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	_, carried := s.confirm(c, filled(t))
	first := s.arrive(c, carried).Request.URL.Path
	carried.Set("organization.city", "Minato-ku")
	p := s.post(c, "/enroll/submit", carried)
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, p.text, `href="`+first+`"`)
	require.Contains(t, p.text, s.record.keys[carried.Get("submission_key")])
	require.Contains(t, p.text, `value="Minato-ku"`)
	require.Equal(t, 1, s.desk.accepted())

	carried.Set("submission_key", carriedBy(p).Get("submission_key"))
	_, carried = s.confirm(c, carried)
	require.NotEqual(t, first, s.arrive(c, carried).Request.URL.Path)
	require.Equal(t, 2, s.desk.accepted())
}

// TestAChangedFormAfterALostAttempt: what was kept under the key and never accepted does not hold a corrected form up.
func TestAChangedFormAfterALostAttempt(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	_, carried := s.confirm(c, filled(t))
	s.record.keys[carried.Get("submission_key")] = "1111111111" // reserved, no order
	p := s.post(c, "/enroll/submit", carried)
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, p.text, "1111111111")
	s.arrive(c, carriedBy(p))
	require.Equal(t, 1, s.desk.accepted())
}

// TestOnlyOurConfirmPageHandsIn: a submission that no page of ours was shown for comes back to be pressed once more.
func TestOnlyOurConfirmPageHandsIn(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	_, carried := s.confirm(s.visitor(), filled(t))
	for _, row := range []struct {
		shows  string
		change func(url.Values)
	}{
		{"a browser without our cookie", func(url.Values) {}},
		{"no token", func(v url.Values) { v.Del("form_token") }},
		{"a token of our form's own path", func(v url.Values) { v.Set("form_token", strings.Repeat("A", 43)) }},
	} {
		c, form := s.visitor(), url.Values{}
		for name := range carried {
			form.Set(name, carried.Get(name))
		}
		row.change(form)
		p := s.post(c, "/enroll/submit", form)
		require.Equal(t, http.StatusForbidden, p.StatusCode, row.shows)
		require.Zero(t, s.desk.calls, row.shows)
		requireKept(t, p, filled(t))
	}
	r := s.request(http.MethodPost, "/enroll/submit", carried)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(s.visitor(), r).StatusCode)

	c := s.visitor()
	p := s.post(c, "/enroll/submit", carried)
	s.arrive(c, carriedBy(p))
	require.Equal(t, 1, s.desk.accepted())
}

func TestTheFormFollowsThePolicy(t *testing.T) {
	t.Parallel()
	book, _ := policy.Open(policy.PublicTrust)
	for _, row := range []struct {
		at        time.Time
		email     bool
		radioText string
	}{{now, true, "廃止が予定されています"}, {time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC), false, ""}} {
		s := open(t, order.Japanese, func(c *portal.Config) {
			c.Policy, c.Clock = book, func() time.Time { return row.at }
		})
		p := s.get(s.visitor(), "/enroll")
		require.Contains(t, p.text, `name="organization.identifier"`, "rules E")
		require.NotContains(t, p.text, `name="organization.unit"`, "rules E")
		require.Equal(t, row.email, strings.Contains(p.text, `name="dcv_method" value="email"`), "rules A8")
		require.Contains(t, p.text, row.radioText)
	}
}

// TestCSRPreview: a request is shown decoded, or what is wrong with it; nothing that the form does not say yet counts as a difference.
func TestCSRPreview(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	text := request(t, pkix.Name{CommonName: "<script>alert(1)</script>", Organization: []string{"Other K.K."}, Province: []string{"\u202eOsaka"}}, "other@example.com")
	for _, row := range []struct {
		shows          string
		form           url.Values
		status         int
		want, unwanted []string
	}{
		{"a request", url.Values{"csr": {text}}, http.StatusOK, []string{"RSA 2048ビット", "Other K.K.", "&lt;script&gt;", "違いはありません"}, []string{"<script", "\u202e", "<html"}},
		{"a request that the form overrides", url.Values{"csr": {text}, "organization.name": {"Ｓａｍｐｌｅ K.K."}}, http.StatusOK, []string{"Other K.K.", "Sample K.K.", "フォームの内容が記載されます"}, []string{"違いはありません"}},
		{"no request", url.Values{"csr": {"<b>x</b>"}}, http.StatusOK, []string{"PKCS #10"}, []string{"<b>x"}},
		{"nothing", url.Values{"csr": {" \n"}}, http.StatusNoContent, nil, nil},
	} {
		p := s.post(s.visitor(), "/enroll/csr", row.form)
		require.Equal(t, row.status, p.StatusCode, row.shows)
		for _, w := range row.want {
			require.Contains(t, p.text, w, row.shows)
		}
		for _, w := range row.unwanted {
			require.NotContains(t, p.text, w, row.shows)
		}
	}
}

func TestReloadOfAnAnswerLeadsToTheForm(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	require.Equal(t, "/enroll", s.get(s.visitor(), "/enroll/submit").Request.URL.Path)
}

// TestReceiptLinks: only a status link that still holds opens a receipt, and the receipt says what its method asks for.
func TestReceiptLinks(t *testing.T) {
	t.Parallel()
	for method, todo := range map[order.DCVMethod]string{order.DCVEmail: "メールのリンクから承認", order.DCVFile: "Webサーバーの指定の場所", order.DCVTXT: "DNSに登録", order.DCVCNAME: "DNSに登録"} {
		s := open(t, order.Japanese)
		c, form := s.visitor(), filled(t)
		form.Set("dcv_method", string(method))
		_, carried := s.confirm(c, form)
		p := s.arrive(c, carried)
		require.Contains(t, p.text, todo)
		require.Equal(t, http.StatusNotFound, s.get(c, "/receipt/"+s.approval).StatusCode)
		s.record.use(strings.TrimPrefix(p.Request.URL.Path, "/receipt/"), func(l *order.Link) { l.ExpiresAt = now })
		require.Equal(t, http.StatusGone, s.get(c, p.Request.URL.Path).StatusCode)
	}
}

// A key that the record knows to be compromised comes back with the form: there is nothing to review or to hand in.
func TestACompromisedKeyIsNotReviewed(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	key, err := csr.Parse(request(t, pkix.Name{}), nil)
	require.NoError(t, err)
	s.desk.blocked, err = csr.ReadBlocklist(strings.NewReader(key.FingerprintHex()))
	require.NoError(t, err)
	for path, form := range map[string]url.Values{"/enroll": filled(t), "/reissue": requested(t)} {
		p := s.post(s.visitor(), path, form)
		require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
		require.Contains(t, p.text, `id="csr-fault"`)
		require.NotContains(t, p.text, "/submit\"")
	}
	require.Contains(t, s.post(s.visitor(), "/enroll/csr", filled(t)).text, "漏えいした鍵として登録")
}

// G6: an address in the common name is one that the form wins over.
func TestTheReviewNamesAnotherAddressOfTheRequest(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	form := filled(t)
	form.Set("csr", request(t, pkix.Name{CommonName: "boss@other.example"}))
	p, _ := s.confirm(s.visitor(), form)
	require.Contains(t, p.text, "フォームの内容が記載されます")
	require.NotContains(t, p.text, "違いはありません")
}
