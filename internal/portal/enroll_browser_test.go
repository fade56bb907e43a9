package portal_test

import (
	"context"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/order"
)

// typeIn types the values into the form that the tab shows, as an applicant would.
func typeIn(t *testing.T, tab context.Context, form url.Values) {
	t.Helper()
	values := map[string]string{}
	for name := range form {
		values[name] = form.Get(name)
	}
	data, err := json.Marshal(values)
	require.NoError(t, err)
	_, err = chromedp.Run(tab, chromedp.Evaluate[bool](`((values) => {
		for (const [name, value] of Object.entries(values)) {
			for (const e of document.querySelectorAll('main form [name="' + name + '"]')) {
				if (e.type === "hidden" || e.type === "file") continue;
				if (e.type === "radio" || e.type === "checkbox") { e.checked = e.value === value; continue; }
				e.value = value;
				e.dispatchEvent(new Event("input", { bubbles: true }));
			}
		}
		return true;
	})(`+string(data)+`)`))
	require.NoError(t, err)
}

func show(t *testing.T, tab context.Context, page string) {
	t.Helper()
	for _, v := range views(t) {
		v.show(t, tab, page)
		width, err := chromedp.Run(tab, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
		require.NoError(t, err)
		require.Equal(t, v.width, width, page)
	}
}

func evaluate[T any](t *testing.T, tab context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](script))
	require.NoError(t, err, script)
	return v
}

func click(t *testing.T, tab context.Context, selector string) int64 {
	t.Helper()
	res, err := chromedp.RunResponse(tab, chromedp.Click(selector))
	require.NoError(t, err, selector)
	return res.Status
}

const (
	toReview = `#enroll .primary`
	toSubmit = `main form .primary`
	toEdit   = `button[value="edit"]`
)

// TestApplicationInABrowser goes from the empty form over its errors and the review to the receipt, in both languages, with JavaScript and
// without.
func TestApplicationInABrowser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language             order.Language
		scripts              bool
		form, broken, review string
		receipt              string
	}{
		{order.Japanese, true, "お申し込み", "エラー", "お申し込み内容の確認", "受け付けました"},
		{order.Japanese, false, "お申し込み", "エラー", "お申し込み内容の確認", "受け付けました"},
		{order.English, true, "Apply for", "Error", "Review", "has been received"},
		{order.English, false, "Apply for", "Error", "Review", "has been received"},
	} {
		name := string(row.language)
		var options []chromium.Option
		if !row.scripts {
			name, options = name+" without scripts", append(options, chromium.WithoutScripts())
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := chromium.Tab(t, options...)
			traffic := chromium.Watch(t, tab)
			s := open(t, row.language)
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll?lang="+string(row.language))))
			requireHeading(t, tab, row.form)
			requireCheap(t, traffic, "enroll", "")
			show(t, tab, "enroll-"+string(row.language))

			require.EqualValues(t, 422, click(t, tab, toReview))
			require.Contains(t, evaluate[string](t, tab, "document.title"), row.broken)
			require.True(t, evaluate[bool](t, tab, `document.activeElement.classList.contains("broken")`), "the summary has the focus")
			require.Equal(t, evaluate[int](t, tab, `document.querySelectorAll(".broken a").length`), evaluate[int](t, tab, `[...document.querySelectorAll(".broken a")].filter((a) => document.getElementById(a.hash.slice(1))?.matches("input, textarea")).length`), "each line leads to a field")
			show(t, tab, "enroll-broken-"+string(row.language))

			typeIn(t, tab, differing(t))
			if row.scripts {
				require.NoError(t, chromedp.Do(tab, chromedp.WaitVisible("#csr-preview .differs")))
				require.Contains(t, evaluate[string](t, tab, `document.getElementById("csr-preview").innerText`), "Osaka")
			}
			show(t, tab, "enroll-filled-"+string(row.language))
			traffic.Reset()
			require.EqualValues(t, 200, click(t, tab, toReview))
			requireHeading(t, tab, row.review)
			requireCheap(t, traffic, "confirm", "")
			require.Contains(t, evaluate[string](t, tab, "document.body.innerText"), "101-0066")
			show(t, tab, "confirm-"+string(row.language))

			require.EqualValues(t, 200, click(t, tab, toEdit))
			require.Equal(t, "６", evaluate[string](t, tab, `document.getElementById("organization-postal_code").value`)[len("１０１ー００６"):], "as it was typed")
			require.EqualValues(t, 200, click(t, tab, toReview))
			require.Zero(t, s.desk.accepted())
			traffic.Reset()
			require.EqualValues(t, 200, click(t, tab, toSubmit))
			requireHeading(t, tab, row.receipt)
			requireCheap(t, traffic, "receipt", "")
			show(t, tab, "receipt-"+string(row.language))
			require.Equal(t, 1, s.desk.accepted())
		})
	}
}

// TestCSRFromAFile: the chosen file lands in the textarea, by the script at once and without it when the form comes back.
func TestCSRFromAFile(t *testing.T) {
	t.Parallel()
	text := request(t, pkix.Name{CommonName: "info@example.co.jp"})
	block, _ := pem.Decode([]byte(text))
	for name, content := range map[string][]byte{"request.csr": []byte(text), "request.der": block.Bytes} {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, content, 0o600))
		for _, scripts := range []bool{true, false} {
			var options []chromium.Option
			if !scripts {
				options = append(options, chromium.WithoutScripts())
			}
			tab, s := chromium.Tab(t, options...), open(t, order.Japanese)
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll"), chromedp.SetUploadFiles("#csr_file", []string{file})))
			if scripts {
				require.NoError(t, chromedp.Do(tab, chromedp.WaitVisible("#csr-preview dl")))
			} else {
				require.EqualValues(t, 422, click(t, tab, toReview))
			}
			r, err := csr.Parse(evaluate[string](t, tab, `document.getElementById("csr").value`), nil)
			require.NoError(t, err, name)
			require.Equal(t, block.Bytes, r.DER)
		}
	}
}

// TestApplicationIsAccessible: axe-core finds nothing on any page of the way, errors and notices included.
func TestApplicationIsAccessible(t *testing.T) {
	t.Parallel()
	for _, language := range []order.Language{order.Japanese, order.English} {
		t.Run(string(language), func(t *testing.T) {
			t.Parallel()
			tab, s, name := chromium.Tab(t), open(t, language), " "+string(language)
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll?lang="+string(language))))
			click(t, tab, toReview)
			typeIn(t, tab, differing(t))
			require.NoError(t, chromedp.Do(tab, chromedp.WaitVisible("#csr-preview .differs")))
			chromium.Axe(t, tab, "enroll broken"+name)
			click(t, tab, toReview)
			s.desk.refuse = func(order.Application) error { return errUnreachable }
			require.EqualValues(t, 503, click(t, tab, toSubmit))
			chromium.Axe(t, tab, "confirm"+name)
			s.desk.refuse = nil
			click(t, tab, toSubmit)
			chromium.Axe(t, tab, "receipt"+name)
		})
	}
}

// differing is a form whose CSR says other things.
func differing(t *testing.T) url.Values {
	t.Helper()
	form := filled(t)
	form.Set("csr", request(t, pkix.Name{CommonName: "info@example.co.jp", Organization: []string{"Sample Trading Co., Ltd."}, Province: []string{"Osaka"}}, "info@example.com"))
	return form
}

// TestTheBackButtonKeepsWhatWasTyped: from the review back to the form, by the browser's own button.
func TestTheBackButtonKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), open(t, order.Japanese)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll")))
	typeIn(t, tab, filled(t))
	require.EqualValues(t, 200, click(t, tab, toReview))
	require.NoError(t, chromedp.Do(tab, chromedp.NavigateBack(), chromedp.WaitVisible("#enroll")))
	require.Equal(t, "Sample Trading K.K.", evaluate[string](t, tab, `document.getElementById("organization-name").value`))
	typeIn(t, tab, url.Values{"voucher": {filled(t).Get("voucher")}}) // the one thing that a browser is asked not to remember
	require.EqualValues(t, 200, click(t, tab, toReview))
	require.EqualValues(t, 200, click(t, tab, toSubmit))
	require.Equal(t, 1, s.desk.accepted())
}

// TestAPrivateKeyStaysInTheBrowser: what is pasted by mistake is recognised without being sent.
func TestAPrivateKeyStaysInTheBrowser(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), open(t, order.Japanese)
	traffic := chromium.Watch(t, tab)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll")))
	typeIn(t, tab, url.Values{"csr": {"-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END RSA PRIVATE KEY-----"}})
	require.NoError(t, chromedp.Do(tab, chromedp.WaitVisible("#csr-preview .fault")))
	require.Contains(t, evaluate[string](t, tab, `document.getElementById("csr-preview").innerText`), "秘密鍵")
	require.Empty(t, evaluate[string](t, tab, `document.getElementById("csr").value`))
	for _, r := range traffic.Requests() {
		require.NotContains(t, r.Body, "c2VjcmV0")
	}
}

// TestALargeFieldInABrowser: the answer arrives although the browser was not done sending.
func TestALargeFieldInABrowser(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), open(t, order.Japanese)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll")))
	typeIn(t, tab, url.Values{"voucher": {strings.Repeat("x", 1<<20)}})
	require.EqualValues(t, 413, click(t, tab, toReview))
	require.Contains(t, evaluate[string](t, tab, "document.body.innerText"), "64 KiB")
}

// TestTheReviewOnPaper: what is printed or saved is the application alone, without what only a screen needs.
func TestTheReviewOnPaper(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), open(t, order.Japanese)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll")))
	typeIn(t, tab, differing(t))
	require.EqualValues(t, 200, click(t, tab, toReview))
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(720, 1000)))
	if dir := os.Getenv("PORTAL_SHOTS"); dir != "" {
		chromium.Picture(t, tab, filepath.Join(dir, "confirm-on-paper.png"))
	}
	text := evaluate[string](t, tab, `document.body.innerText`)
	for _, printed := range []string{"サンプル商事株式会社", "03-1234-5678", "technical@example.jp", "Osaka", "同意済み"} {
		require.Contains(t, text, printed)
	}
	require.Zero(t, evaluate[int](t, tab, `[...document.querySelectorAll("button, footer, .stages")].filter((e) => e.checkVisibility()).length`))
}
