package chromium

import (
	"context"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Screen is what a page is looked at on.
type Screen struct {
	Name          string
	Width, Height int64
	Dark          bool
}

// Screens returns a phone and a desktop, both light and dark.
func Screens() []Screen {
	return []Screen{
		{"phone-light", 360, 740, false}, {"phone-dark", 360, 740, true},
		{"desktop-light", 1280, 800, false}, {"desktop-dark", 1280, 800, true},
	}
}

// Show lays the tab's page out on the screen.
func (s Screen) Show(t testing.TB, ctx context.Context) {
	t.Helper()
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(s.Width, s.Height)); err != nil {
		t.Fatalf("change the screen: %v", err)
	}
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, params); err != nil {
		t.Fatalf("change the colour scheme: %v", err)
	}
}

// Picture writes a picture of the tab's whole page to a PNG file, for a person to judge; of a page behind a dialog only what the screen
// shows.
func Picture(t testing.TB, ctx context.Context, file string) {
	t.Helper()
	take := chromedp.FullScreenshot(100)
	if covered, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("dialog[open]") !== null`)); err == nil && covered {
		take = chromedp.CaptureScreenshot()
	}
	shot, err := chromedp.Run(ctx, take)
	if err != nil {
		t.Fatalf("take a picture: %v", err)
	}
	if err := os.WriteFile(file, shot, 0o600); err != nil {
		t.Fatalf("keep a picture: %v", err)
	}
}
