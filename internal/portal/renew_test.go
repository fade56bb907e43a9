package portal_test

import (
	"bytes"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

const (
	contactAddress     = "technical@example.jp"
	certificateAddress = "info@example.co.jp"
)

// ending gives the site's order a complete application, corrected by staff, and a certificate that ends in a month.
func (s *site) ending(language order.Language) {
	s.t.Helper()
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	st := sampleOrder(language)
	st.State, st.CertificateEmail = order.Issued, certificateAddress
	st.Application = order.Application{
		Language: language, Type: order.New, ValidityYears: 2, CSR: "the old request", CertificateEmail: certificateAddress, DCVMethod: order.DCVTXT, TermsAccepted: true,
		Organization: order.Organization{NameJA: "サンプル商事株式会社", Name: "Sampel Trading", Unit: "Mail Services", State: "Tokyo", City: "Chuo-ku",
			Street: "6-10-1 Ginza", PostalCode: "101-0066", Telephone: "+81312345678"},
		Representative: order.Representative{Department: "情報システム部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin",
			Email: "representative@example.co.jp"},
		TechnicalContact: order.TechnicalContact{Company: "サンプルシステムズ株式会社", Department: "運用部", FamilyName: "Gijutsu", GivenName: "Tanto",
			Telephone: "+81312345679", Email: contactAddress},
	}
	st.Subject = order.Subject{Organization: "Sample Trading K.K.", Unit: "Mail Services", State: "Tokyo", City: "Chuo-ku"}
	st.Certificates = []order.CertificateView{{Sequence: 1, Serial: "5a", NotAfter: time.Date(2026, 12, 22, 14, 59, 59, 0, time.UTC)}}
	s.record.orders[number] = st
}

// link gives somebody a link and returns its token.
func (s *site) link(p order.LinkPurpose, recipient string) string {
	s.t.Helper()
	token := secret.Token()
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.links[string(secret.Hash(token))] = order.Link{ID: uuid.NewString(), Order: number, Purpose: p, Recipient: recipient, ExpiresAt: now.AddDate(0, 2, 0)}
	return token
}

var (
	valued  = regexp.MustCompile(`<input [^>]*name="([^"]+)"[^>]*>`)
	content = regexp.MustCompile(` value="([^"]*)"`)
	checked = regexp.MustCompile(` checked[ >]`)
)

// filledIn returns what the form on the page holds: its text fields, and the choices that are made.
func filledIn(p page) map[string]string {
	out := map[string]string{}
	for _, m := range valued.FindAllStringSubmatch(p.text, -1) {
		value := ""
		if v := content.FindStringSubmatch(m[0]); v != nil {
			value = html.UnescapeString(v[1])
		}
		chosen := strings.Contains(m[0], `type="radio"`) || strings.Contains(m[0], `type="checkbox"`)
		if value != "" && (!chosen || checked.MatchString(m[0])) {
			out[m[1]] = value
		}
	}
	return out
}

func TestRenewalFormKnowsWhatItsReaderMayKnow(t *testing.T) {
	t.Parallel()
	organization := map[string]string{
		"language": "ja", "type": "renewal", "validity_years": "2", "certificate_email": certificateAddress, "dcv_method": "dns-txt",
		"organization.name_ja": "サンプル商事株式会社", "organization.name": "Sample Trading K.K.", "organization.unit": "Mail Services",
		"organization.state": "Tokyo", "organization.city": "Chuo-ku", "organization.street": "6-10-1 Ginza", "organization.postal_code": "101-0066",
		"organization.telephone": "03-1234-5678",
	}
	contact := map[string]string{
		"technical_contact.company": "サンプルシステムズ株式会社", "technical_contact.department": "運用部", "technical_contact.family_name": "Gijutsu",
		"technical_contact.given_name": "Tanto", "technical_contact.telephone": "03-1234-5679", "technical_contact.email": contactAddress,
	}
	s := open(t, order.Japanese)
	s.ending(order.Japanese)
	for _, row := range []struct {
		why, recipient string
		knows          []map[string]string
		hidden         []string
	}{
		{"the technical contact sees their own data and the organisation's, as it was corrected", contactAddress,
			[]map[string]string{organization, contact}, []string{"Shinsei", "申請部", "representative@example.co.jp"}},
		{"whoever reads the certificate's address sees the organisation alone", certificateAddress,
			[]map[string]string{organization}, []string{"Shinsei", "representative@example.co.jp", "Gijutsu", contactAddress, "03-1234-5679"}},
	} {
		p := s.get(s.visitor(), "/renew/"+s.link(order.LinkRenewal, row.recipient))
		require.Equal(t, http.StatusOK, p.StatusCode, row.why)
		got := filledIn(p)
		require.Len(t, got["submission_key"], 43, "a key of its own")
		delete(got, "submission_key")
		want := map[string]string{}
		for _, part := range row.knows {
			for k, v := range part {
				want[k] = v
			}
		}
		require.Equal(t, want, got, row.why)
		for _, secret := range append(row.hidden, "the old request", "Sampel") {
			require.NotContains(t, p.text, secret, row.why)
		}
		require.Contains(t, p.text, "2026年12月22日")
		require.Equal(t, "no-store", p.Header.Get("Cache-Control"), "what it shows is not for the next user of the browser")
		require.Empty(t, s.engine.commands())
	}
}

// TestARenewalIsHandedInLikeAnyApplication: with what is needed anew, the filled-in form becomes an order of type renewal.
func TestARenewalIsHandedInLikeAnyApplication(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.ending(order.Japanese)
	c := s.visitor()
	form := filled(t)
	for name, value := range filledIn(s.get(c, "/renew/"+s.link(order.LinkRenewal, contactAddress))) {
		form.Set(name, value)
	}
	p, carried := s.confirm(c, form)
	require.Contains(t, p.text, "Sample Trading K.K.")
	receipt := s.arrive(c, carried)
	require.Equal(t, http.StatusOK, receipt.StatusCode)
	require.Equal(t, 1, s.desk.accepted())
	for _, st := range s.record.orders {
		if st.Number != number {
			require.Equal(t, order.Renewal, st.Application.Type)
			require.Equal(t, "+81312345678", st.Application.Organization.Telephone)
		}
	}
}

func TestRenewalLinks(t *testing.T) {
	t.Parallel()
	s := open(t, order.English)
	s.ending(order.English)
	for _, row := range []struct {
		why, path string
		status    int
		text      string
	}{
		{"a link that never was", "/renew/" + secret.Token(), http.StatusNotFound, ""},
		{"no token at all", "/renew/x", http.StatusNotFound, ""},
		{"a link of another purpose", "/renew/" + s.download, http.StatusNotFound, ""},
		{"the link that stops mails opens no form", "/renew/" + s.link(order.LinkStopReminders, contactAddress), http.StatusNotFound, ""},
		{"the form's link stops nothing", "/stop/" + s.link(order.LinkRenewal, contactAddress), http.StatusNotFound, ""},
		{"a link of before", "/renew/" + s.aged(s.link(order.LinkRenewal, contactAddress)), http.StatusGone, "application form instead"},
	} {
		p := s.get(s.visitor(), row.path)
		require.Equal(t, row.status, p.StatusCode, row.why)
		require.Contains(t, p.text, row.text, row.why)
		require.NotContains(t, p.text, "Sample Trading", row.why)
	}
	s.record.down = fault.New(fault.Unavailable, "store.unavailable", "", "")
	require.Equal(t, http.StatusServiceUnavailable, s.get(s.visitor(), "/renew/"+s.link(order.LinkRenewal, contactAddress)).StatusCode)
}

// aged lets a link end before now.
func (s *site) aged(token string) string {
	s.record.use(token, func(l *order.Link) { l.ExpiresAt = now.Add(-time.Second) })
	return token
}

func (s *site) stopped() []string {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.stopped
}

func TestRemindersAreStoppedByAButton(t *testing.T) {
	t.Parallel()
	for language, texts := range map[order.Language][2]string{
		order.Japanese: {"お知らせを停止する", "お知らせを停止しました"}, order.English: {"Stop the reminders", "The reminders are stopped"},
	} {
		s := open(t, language)
		s.ending(language)
		c, path := s.visitor(), "/stop/"+s.link(order.LinkStopReminders, contactAddress)
		shown := s.get(c, path)
		require.Equal(t, http.StatusOK, shown.StatusCode)
		require.Contains(t, shown.text, texts[0])
		require.Contains(t, shown.text, contactAddress)
		require.Empty(t, s.stopped(), "opening the page stops nothing: scanners open every link")
		done := s.post(c, path, url.Values{"form_token": {hidden.FindStringSubmatch(shown.text)[1]}})
		require.Equal(t, http.StatusOK, done.StatusCode)
		require.Contains(t, done.text, texts[1])
		require.Equal(t, []string{number + " " + contactAddress}, s.stopped())
	}
}

// TestMailProgramsStopRemindersWithOneClick sends what RFC 8058 3.2 describes: no cookie, no page shown before, in both encodings.
func TestMailProgramsStopRemindersWithOneClick(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.ending(order.Japanese)
	path := "/stop/" + s.link(order.LinkStopReminders, certificateAddress)
	p := s.do(&http.Client{Transport: s.visitor().Transport}, s.request(http.MethodPost, path, url.Values{"List-Unsubscribe": {"One-Click"}}))
	require.Equal(t, http.StatusOK, p.StatusCode)

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("List-Unsubscribe", "One-Click"))
	require.NoError(t, form.Close())
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, []string{number + " " + certificateAddress, number + " " + certificateAddress}, s.stopped())
	shown := s.get(s.visitor(), path)
	require.Contains(t, shown.text, "お知らせを停止しました", "whoever opens the link afterwards is told that it is done")
	require.NotContains(t, shown.text, "<form method=\"post\">")
	require.Empty(t, s.engine.commands())
}

func TestAnOldLinkStillStopsReminders(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	path := "/stop/" + s.aged(s.link(order.LinkStopReminders, contactAddress))
	require.Equal(t, http.StatusOK, s.post(s.visitor(), path, url.Values{"List-Unsubscribe": {"One-Click"}}).StatusCode)
	require.Len(t, s.stopped(), 1)
}

func TestNothingElseStopsReminders(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited)
	s.ending(order.Japanese)
	path := "/stop/" + s.link(order.LinkStopReminders, contactAddress)
	for _, row := range []struct {
		why    string
		path   string
		form   url.Values
		header [2]string
		status int
	}{
		{"no proof that we showed the form", path, url.Values{}, [2]string{}, http.StatusForbidden},
		{"another value", path, url.Values{"List-Unsubscribe": {"Two-Clicks"}}, [2]string{}, http.StatusForbidden},
		{"something beside it", path, url.Values{"List-Unsubscribe": {"One-Click"}, "x": {"y"}}, [2]string{}, http.StatusForbidden},
		{"said twice", path, url.Values{"List-Unsubscribe": {"One-Click", "One-Click"}}, [2]string{}, http.StatusBadRequest},
		{"in the address", path + "?List-Unsubscribe=One-Click", url.Values{}, [2]string{}, http.StatusForbidden},
		{"from another site's page", path, url.Values{"List-Unsubscribe": {"One-Click"}}, [2]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"from another origin", path, url.Values{"List-Unsubscribe": {"One-Click"}}, [2]string{"Origin", "https://attacker.example.com"}, http.StatusForbidden},
		{"with another link", "/stop/" + s.approval, url.Values{"List-Unsubscribe": {"One-Click"}}, [2]string{}, http.StatusNotFound},
		{"with no link", "/stop/" + secret.Token(), url.Values{"List-Unsubscribe": {"One-Click"}}, [2]string{}, http.StatusNotFound},
	} {
		r := s.request(http.MethodPost, row.path, row.form)
		if row.header[0] != "" {
			r.Header.Set(row.header[0], row.header[1])
		}
		require.Equal(t, row.status, s.do(s.visitor(), r).StatusCode, row.why)
	}
	require.Empty(t, s.stopped())
}

// FuzzStopForm: a stranger without the link stops nothing whatever they send; with it they stop mails or nothing, and nothing fails.
func FuzzStopForm(f *testing.F) {
	f.Add("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", "")
	f.Add("List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", "null")
	f.Add("--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--", "multipart/form-data; boundary=b", "")
	s := open(f, order.Japanese, unlimited)
	mine := "/stop/" + s.link(order.LinkStopReminders, contactAddress)
	f.Fuzz(func(t *testing.T, body, kind, origin string) {
		for _, path := range []string{mine, "/stop/" + s.approval} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Origin", origin)
			before := len(s.stopped())
			w := httptest.NewRecorder()
			s.Config.Handler.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Fatalf("status %d", w.Code)
			}
			if path != mine && len(s.stopped()) != before {
				t.Fatal("stopped without the link")
			}
		}
	})
}

// TestRenewalInABrowser looks at the pages on every screen, with axe-core, and checks what they cost.
func TestRenewalInABrowser(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	traffic := chromium.Watch(t, tab)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language)
		s.ending(language)
		for name, path := range map[string]string{
			"renew-contact": "/renew/" + s.link(order.LinkRenewal, contactAddress), "renew-address": "/renew/" + s.link(order.LinkRenewal, certificateAddress),
			"stop": "/stop/" + s.link(order.LinkStopReminders, contactAddress),
		} {
			traffic.Reset()
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+path)))
			requireCheap(t, traffic, name, "")
			chromium.Axe(t, tab, name+" "+string(language))
			for _, v := range views(t) {
				v.show(t, tab, name+"-"+string(language))
			}
		}
	}
}
