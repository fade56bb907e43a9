package chromium

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// Saved is a file that a page has given to the person before it.
type Saved struct {
	Name string // as the page names it
	Data []byte
}

// Downloads are the files that a browser saves.
type Downloads struct {
	dir   string
	names map[string]string // by id; used by the listener alone
	done  chan finished     // with room enough, because a listener must not wait
}

type finished struct{ id, name string }

// Save lets the browser save files from now on.
func Save(t testing.TB, ctx context.Context) *Downloads {
	t.Helper()
	d := &Downloads{dir: t.TempDir(), names: map[string]string{}, done: make(chan finished, 64)}
	if err := chromedp.ListenBrowser(ctx, d.note); err != nil {
		t.Fatalf("listen to the browser: %v", err)
	}
	yes := true
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: d.dir, EventsEnabled: &yes,
	})
	if err != nil {
		t.Fatalf("allow downloads: %v", err)
	}
	return d
}

func (d *Downloads) note(event any) {
	switch e := event.(type) {
	case *browser.EventDownloadWillBegin:
		d.names[e.GUID] = e.SuggestedFilename
	case *browser.EventDownloadProgress:
		if e.State == browser.DownloadProgressStateCompleted {
			d.done <- finished{e.GUID, d.names[e.GUID]}
		}
	}
}

// Next waits for the next file.
func (d *Downloads) Next(t testing.TB, ctx context.Context) Saved {
	t.Helper()
	select {
	case f := <-d.done:
		data, err := os.ReadFile(filepath.Join(d.dir, f.id))
		if err != nil {
			t.Fatalf("read what was saved: %v", err)
		}
		return Saved{Name: f.name, Data: data}
	case <-ctx.Done():
		t.Fatalf("no file was saved: %v", context.Cause(ctx))
		return Saved{}
	}
}
