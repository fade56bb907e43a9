package chromium

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Request is one request of a page.
type Request struct {
	Method, URL string
	Body        string // what was posted, if anything
}

// Traffic is what a tab asked of the network and complained about since Watch or Reset.
type Traffic struct {
	mu       sync.Mutex
	requests []Request
	bytes    int64
	errors   []string
}

// Watch records the tab's traffic from now on.
func Watch(t testing.TB, ctx context.Context) *Traffic {
	t.Helper()
	w := &Traffic{}
	if err := chromedp.Listen(ctx, w.note); err != nil {
		t.Fatalf("listen to the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatalf("watch the network: %v", err)
	}
	return w
}

func (w *Traffic) note(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, request(e.Request))
	case *network.EventLoadingFinished:
		w.bytes += int64(e.EncodedDataLength)
	case *network.EventLoadingFailed:
		if !e.Canceled { // a link to a file to save ends so
			w.errors = append(w.errors, "request failed: "+e.ErrorText)
		}
	case *runtime.EventExceptionThrown:
		w.errors = append(w.errors, "exception: "+exception(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			w.errors = append(w.errors, "console: "+text(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			w.errors = append(w.errors, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	}
}

func request(r *network.Request) Request {
	sent := Request{Method: r.Method, URL: r.URL}
	for _, part := range r.PostDataEntries {
		sent.Body += string(part.Bytes)
	}
	return sent
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

func text(args []*runtime.RemoteObject) string {
	out := ""
	for _, a := range args {
		out += string(a.Value) + a.Description + " "
	}
	return out
}

// Requests returns every request in order, the page itself and favicons included; data: and blob: addresses are none.
func (w *Traffic) Requests() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.requests), func(r Request) bool {
		return len(r.URL) > 5 && (r.URL[:5] == "data:" || r.URL[:5] == "blob:")
	})
}

// Bytes returns how much came over the network, headers included; what a cache answered counts nothing.
func (w *Traffic) Bytes() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// Errors returns what a developer would have seen in red: uncaught exceptions, console errors and warnings, refusals of the
// Content-Security-Policy, requests that failed.
func (w *Traffic) Errors() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.errors)
}

// Reset forgets what was recorded, before the next page.
func (w *Traffic) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.bytes, w.errors = nil, 0, nil
}
