package portal_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/order"
)

// plainHost leads the browser to this machine by a name that is not trustworthy without TLS: on it a browser sends no fetch metadata.
const plainHost = "portal.example.jp"

// browser starts a Chromium with JavaScript switched off and returns a context for its tab, or skips without one.
func browser(t *testing.T) context.Context {
	t.Helper()
	return chromium.Tab(t, chromium.WithoutScripts(), chromium.Local(plainHost))
}

// TestDecisionInABrowser goes from the mail's link to the recorded decision in both languages, without JavaScript.
func TestDecisionInABrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	for _, row := range []struct {
		host               string
		language           order.Language
		button, done, used string
	}{
		{"127.0.0.1", order.Japanese, "approve", "承認を受け付けました", "回答済みです"},
		{"127.0.0.1", order.English, "approve", "Your approval has been recorded", "Already answered"},
		{"127.0.0.1", order.English, "deny", "Your refusal has been recorded", "Already answered"},
		{plainHost, order.Japanese, "approve", "承認を受け付けました", "回答済みです"},
	} {
		s := open(t, row.language)
		address := strings.Replace(s.URL, "127.0.0.1", row.host, 1) + "/approve/" + s.approval
		s.engine.answer = func(order.DomainApproved) (order.Outcome, error) {
			s.record.use(s.approval, func(l *order.Link) { l.UsedAt = now })
			return order.Outcome{Applied: true}, nil
		}
		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(address)))
		require.Empty(t, s.engine.commands())

		res, err := chromedp.RunResponse(ctx, chromedp.Click(`button[value="`+row.button+`"]`))
		require.NoError(t, err)
		require.EqualValues(t, 200, res.Status)
		requireHeading(t, ctx, row.done)
		require.Len(t, s.engine.commands(), 1)
		for _, v := range views(t) {
			v.show(t, ctx, "decided-"+row.button+"-"+string(row.language))
		}

		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(address)))
		requireHeading(t, ctx, row.used)
	}
}

func requireHeading(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Text("h1"))
	require.NoError(t, err)
	require.Contains(t, got, want)
}

// TestPagesFitTheScreen: no page makes a small phone scroll sideways.
func TestPagesFitTheScreen(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language)
		s.issue(1)
		for name, path := range map[string]string{"home": "/", "approve": "/approve/" + s.approval, "download": "/download/" + s.download, "error": "/approve/unknown"} {
			require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.URL+path+"?lang="+string(language))))
			for _, v := range views(t) {
				v.show(t, ctx, name+"-"+string(language))
				width, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
				require.NoError(t, err)
				require.Equal(t, v.width, width, name)
			}
		}
	}
}

// view is a screen to look at a page on.
type view struct {
	name          string
	width, height int64
	scheme        string // light or dark
	dir           string // where the picture goes; empty: none
}

// views returns a small phone, and every screen when PORTAL_SHOTS names a directory for pictures that a person will judge.
func views(t *testing.T) []view {
	t.Helper()
	dir := os.Getenv("PORTAL_SHOTS")
	if dir == "" {
		return []view{{"phone", 320, 640, "light", ""}}
	}
	return []view{
		{"phone", 360, 740, "light", dir}, {"phone", 360, 740, "dark", dir},
		{"desktop", 1280, 800, "light", dir}, {"desktop", 1280, 800, "dark", dir},
	}
}

// show lays the page out on the screen and takes its picture if there is a place for it.
func (v view) show(t *testing.T, ctx context.Context, page string) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(v.width, v.height)))
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}},
	})
	require.NoError(t, err)
	if v.dir == "" {
		return
	}
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(v.dir, page+"-"+v.name+"-"+v.scheme+".png"), shot, 0o600))
}
