package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"securemailid.example/internal/order"
)

// apply fills in the form and goes by the review to the receipt, and returns the order's number and its status page.
func (v visitor) apply(a order.Application) (number, status string) {
	v.t.Helper()
	v.open(v.PortalURL + "/enroll?lang=" + string(a.Language))
	v.fill("#enroll", fields(v.t, a))
	require.EqualValues(v.t, 200, v.press("#enroll .primary"), v.text())
	require.Contains(v.t, v.text(), a.Organization.NameJA)
	require.EqualValues(v.t, 200, v.press("main form .primary"), v.text())
	require.Contains(v.t, v.address(), "/receipt/")
	number = regexp.MustCompile(`\b[1-9][0-9]{9}\b`).FindString(v.text())
	require.NotEmpty(v.t, number)
	require.EqualValues(v.t, 200, v.press(`a[href^="/status/"]`))
	return number, v.address()
}

// TestACertificateByBrowser goes from the form to the downloaded certificate by each method, in both languages, with scripts and without.
func TestACertificateByBrowser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		method   order.DCVMethod
		language order.Language
		scripts  bool
		issued   string // subject of the notice
		download string // heading of the page
	}{
		{order.DCVEmail, order.Japanese, true, "発行のお知らせ", "証明書をダウンロードする"},
		{order.DCVFile, order.English, false, "issued", "Download your certificate"},
		{order.DCVTXT, order.Japanese, false, "発行のお知らせ", "証明書をダウンロードする"},
		{order.DCVCNAME, order.English, true, "issued", "Download your certificate"},
	} {
		t.Run(string(row.method), func(t *testing.T) {
			t.Parallel()
			w := common.enter(t)
			v := w.visitor(row.scripts)
			form := w.application(row.method)
			form.Language = row.language
			number, status := v.apply(form)
			w.challenged(number)
			if row.method == order.DCVEmail {
				v.open(w.approvalLink(domainOf(form.CertificateEmail)))
				require.EqualValues(t, 200, v.press(`button[value="approve"]`))
			} else {
				v.open(status)
				if row.method == order.DCVFile {
					require.Contains(t, v.text(), "/.well-known/pki-validation/fileauth.txt")
				} else {
					require.Contains(t, v.text(), w.challenge(number).Instruction().RecordName)
				}
				w.prove(number)
			}
			w.awaitState(number, order.OrganizationValidation)
			w.phone(number)
			certificate := w.issuedOnce(number)
			v.open(linkIn(t, w.mail(form.CertificateEmail, row.issued), "/download/"))
			require.Contains(t, v.text(), row.download)
			require.Contains(t, strings.ReplaceAll(strings.ToLower(v.text()), ":", ""), certificate.Serial)
			v.open(status)
			require.Contains(t, v.text(), form.CertificateEmail)
			require.Empty(t, v.traffic.Errors())
		})
	}
}

// TestAnOrderIsFollowedByBrowser: what the applicant is asked and decides on the status page reaches the order.
func TestAnOrderIsFollowedByBrowser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language order.Language
		scripts  bool
	}{{order.Japanese, true}, {order.English, false}} {
		t.Run(string(row.language), func(t *testing.T) {
			t.Parallel()
			w := quiet.enter(t)
			v := w.visitor(row.scripts)
			form := w.application(order.DCVTXT)
			form.Language = row.language
			number, status := v.apply(form)
			w.challenged(number)

			w.command(number, order.InquiryOpened{Actor: staff, Question: "Is the department name right?"})
			v.open(status)
			v.fill(`form[action$="/answer"]`, map[string]string{"answer": "Yes, it is."})
			require.EqualValues(t, 200, v.press("#answer-send"))
			w.await(number, "the answer", func(s order.Status) bool { return len(s.Inquiries) == 1 && !s.Inquiries[0].AnsweredAt.IsZero() })

			v.open(status)
			require.EqualValues(t, 200, v.press("#check"), "it looks, and finds nothing")
			v.open(status)
			require.NoError(t, v.change(order.DCVFile))
			w.await(number, "another method", func(s order.Status) bool { return s.Challenge != nil && s.Challenge.Method == order.DCVFile })

			v.open(status + "/cancel")
			v.fill(`main form[method="post"]`, map[string]string{"reason": "No longer needed."})
			require.EqualValues(t, 200, v.press(`main form[method="post"] button`))
			w.awaitState(number, order.Cancelled)
			v.open(status)
			require.Empty(t, v.traffic.Errors())
		})
	}
}

// change chooses another method on the status page.
func (v visitor) change(m order.DCVMethod) error {
	v.t.Helper()
	v.fill(`form[action$="/method"]`, map[string]string{"dcv_method": string(m)})
	read[bool](v, `(document.querySelector('form[action$="/method"]').closest("details").open = true)`)
	if status := v.press(`form[action$="/method"] button`); status != http.StatusOK {
		return fmt.Errorf("answered by %d", status)
	}
	return nil
}

// TestOneFormSentAHundredTimesIsOneOrder: whoever is let through at the door arrives at the same receipt.
func TestOneFormSentAHundredTimesIsOneOrder(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	elsewhere := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}} // the limits of an address must not stop the other tests
	transport := &http.Transport{DialContext: elsewhere.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	browser := &http.Client{Jar: jar, CheckRedirect: stay, Transport: transport}
	form := w.application(order.DCVTXT)
	_, page, err := w.fetch(w.ctx, browser, w.PortalURL+"/enroll", nil)
	require.NoError(t, err)
	values := hidden(t, page)
	for name, value := range fields(t, form) {
		values.Set(name, value)
	}
	status, page, err := w.fetch(w.ctx, browser, w.PortalURL+"/enroll", values)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	values = hidden(t, page)

	var group sync.WaitGroup
	var mu sync.Mutex
	receipts, others := map[string]int{}, map[int]int{}
	for range 100 {
		group.Go(func() {
			status, place, err := w.send(browser, "/enroll/submit", values)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && status == http.StatusSeeOther {
				receipts[place]++
				return
			}
			others[status]++
		})
	}
	group.Wait()
	require.Len(t, receipts, 1, "%v", others)
	delete(others, http.StatusTooManyRequests)
	delete(others, http.StatusServiceUnavailable) // a busy machine: the same may be sent again
	if len(others) > 0 {
		showLog(t, w.Stack, "portal.log")
	}
	require.Empty(t, others)
	var orders int
	require.NoError(t, w.sql.QueryRowContext(w.ctx, `SELECT count(*) FROM orders WHERE certificate_email = $1`, form.CertificateEmail).Scan(&orders))
	require.Equal(t, 1, orders)
}

// send posts a form and says where the answer leads.
func (w *world) send(c *http.Client, path string, values url.Values) (status int, place string, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.PortalURL+path, strings.NewReader(values.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", w.PortalURL)
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	return res.StatusCode, res.Header.Get("Location"), res.Body.Close()
}

// hidden returns the hidden fields of the page's form.
func hidden(t *testing.T, page []byte) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(page)))
	require.NoError(t, err)
	values := url.Values{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" {
			continue
		}
		a := map[string]string{}
		for _, each := range n.Attr {
			a[each.Key] = each.Val
		}
		if a["type"] == "hidden" && a["name"] != "" {
			values.Set(a["name"], a["value"])
		}
	}
	require.NotEmpty(t, values)
	return values
}
