package chromium_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
)

const bad = `<!doctype html><html><title>bad</title><body><p style="color:#bbb;background:#fff">faint</p>
<form method="post" action="/sent"><input name="secret" value="told"></form>
<script>console.error("loud"); fetch("/missing"); throw new Error("thrown")</script></body></html>`

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bad":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(bad))
		case "/file":
			w.Header().Set("Content-Disposition", `attachment; filename="kept.txt"`)
			_, _ = w.Write([]byte("content"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestFindings: what is wrong with a page is found, with its place.
func TestFindings(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), serve(t)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/bad")))
	found := map[string]string{}
	for _, f := range chromium.Findings(t, tab) {
		found[f.ID] = strings.Join(f.Targets, " ")
	}
	require.Contains(t, found, "html-has-lang")
	require.Equal(t, "p", found["color-contrast"])
	require.Equal(t, "input", found["label"])
}

// TestTraffic: requests are seen with what they carry, and so are all kinds of complaints.
func TestTraffic(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), serve(t)
	w := chromium.Watch(t, tab)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/bad"), chromedp.Submit("form"), chromedp.WaitNotPresent("form")))
	require.Contains(t, w.Requests(), chromium.Request{Method: "POST", URL: s.URL + "/sent", Body: "secret=told"})
	require.Greater(t, w.Bytes(), int64(len(bad)))
	complaints := strings.Join(w.Errors(), "\n")
	for _, part := range []string{"loud", "thrown", "404"} {
		require.Contains(t, complaints, part)
	}
	w.Reset()
	require.Empty(t, w.Requests())
	require.Empty(t, w.Errors())
}

func TestSave(t *testing.T) {
	t.Parallel()
	tab, s := chromium.Tab(t), serve(t)
	w, files := chromium.Watch(t, tab), chromium.Save(t, tab)
	require.NoError(t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](`location.assign("`+s.URL+`/file")`)))
	require.Equal(t, chromium.Saved{Name: "kept.txt", Data: []byte("content")}, files.Next(t, tab))
	require.Empty(t, w.Errors(), "saving a file is no failure")
}
