package portal_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
)

// TestKeyDialog goes through the dialog of the form page: the key file is saved, then the request is in the form, and of the key nothing
// has left the browser.
func TestKeyDialog(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl", "openssl")
	tab := chromium.Tab(t)
	traffic, files := chromium.Watch(t, tab), chromium.Save(t, tab)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language)
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll?lang="+string(language)), chromedp.WaitVisible(".makekey button")))
		require.NotContains(t, asked(traffic), "keys.js", "it is loaded when it is wanted")
		traffic.Reset()
		require.NoError(t, chromedp.Do(tab, chromedp.Click(".makekey button"), chromedp.WaitVisible("#make-new"),
			chromedp.SendKeys("#make-new", "too-short"), chromedp.SendKeys("#make-repeat", "too-short"+kb.Enter)))
		requireFocus(t, tab, "make-new")
		chromium.Axe(t, tab, "makekey "+string(language))

		require.NoError(t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](`document.querySelector("#makekey form").reset()`),
			chromedp.SendKeys("#make-new", keyPassword), chromedp.SendKeys("#make-repeat", keyPassword+kb.Enter),
			chromedp.WaitVisible("#makekey [data-save]"), chromedp.WaitNotVisible("#makekey [data-return]")))
		empty, err := chromedp.Run(tab, chromedp.Value("#csr"))
		require.NoError(t, err)
		require.Empty(t, empty, "no request before the key file is saved")
		chromium.Axe(t, tab, "makekey made "+string(language))

		require.NoError(t, chromedp.Do(tab, chromedp.Click("#makekey [data-save]"), chromedp.WaitVisible("#makekey [data-return]")))
		saved := files.Next(t, tab)
		require.Regexp(t, `^smid-20[0-9]{6}-private-key\.pem$`, saved.Name)
		require.NoError(t, chromedp.Do(tab, chromedp.Click("#makekey [data-return] button"), chromedp.WaitNotVisible("#makekey"),
			chromedp.WaitVisible("#csr-preview .good")))
		chromium.Axe(t, tab, "enroll with a request "+string(language))

		text, err := chromedp.Run(tab, chromedp.Value("#csr"))
		require.NoError(t, err)
		request, err := csr.Parse(text, nil)
		require.NoError(t, err)
		key := parseKey(t, run(t, openssl, string(saved.Data), "pkcs8", "-passin", "pass:"+keyPassword))
		require.True(t, key.PublicKey.Equal(publicKey(t, request)))
		requireKeyUnsent(t, traffic, string(saved.Data))
		require.Empty(t, traffic.Errors())
		traffic.Reset()
	}
}

// requireKeyUnsent looks through all that the page has sent: it asked for the library, and for the request to be shown decoded.
func requireKeyUnsent(t *testing.T, traffic *chromium.Traffic, keyFile string) {
	t.Helper()
	secret := strings.Split(keyFile, "\n")[3] // one line of the encrypted key stands for it
	require.Len(t, secret, 64)
	for _, r := range traffic.Requests() {
		require.NotContains(t, r.URL+r.Body, keyPassword)
		require.NotContains(t, r.URL+r.Body, "PRIVATE")
		require.NotContains(t, r.URL+r.Body, secret)
	}
	require.Equal(t, "GET /static/keys.js\nPOST /enroll/csr", asked(traffic))
}

// asked lists the recorded requests, without versions of files.
func asked(traffic *chromium.Traffic) string {
	var lines []string
	for _, r := range traffic.Requests() {
		_, path, _ := strings.Cut(strings.TrimPrefix(r.URL, "http://"), "/")
		path, _, _ = strings.Cut(path, "?v=")
		lines = append(lines, r.Method+" /"+path)
	}
	return strings.Join(lines, "\n")
}

// TestNoKeyDialogWithoutScripts: the offer is not made where it could not be kept, and the other way is told.
func TestNoKeyDialogWithoutScripts(t *testing.T) {
	t.Parallel()
	s, tab := open(t, order.Japanese), chromium.Tab(t, chromium.WithoutScripts())
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/enroll"), chromedp.WaitVisible("#csr-part summary")))
	for _, hidden := range []string{".makekey", "#makekey"} {
		require.NoError(t, chromedp.Do(tab, chromedp.WaitNotVisible(hidden)))
	}
	s.issue(1)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/download/"+s.download), chromedp.WaitVisible("summary"), chromedp.WaitNotVisible("[data-join-key]")))
}
