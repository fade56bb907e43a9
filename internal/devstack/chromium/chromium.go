// Package chromium lets tests look at pages the way people do: in a real Chromium, on the screens that people have. It also knows what they
// cannot see: whether a page is accessible (axe-core), and what it asks of the network.
//
// A test that needs what is not here is skipped with the reason, in CI it fails (package need).
package chromium

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"securemailid.example/internal/devstack/need"
)

// limit is the longest that a browser lives: tests wait for states, and a state that never comes must not hold the others up.
const limit = 5 * time.Minute

// Option changes how Tab starts its browser.
type Option func(*settings)

type settings struct {
	flags   []chromedp.ExecAllocatorOption
	scripts bool
}

// WithoutScripts switches JavaScript off, as some people and companies do.
func WithoutScripts() Option { return func(s *settings) { s.scripts = false } }

// Local leads the browser to this machine when a page is asked for on host.
func Local(host string) Option {
	return func(s *settings) {
		s.flags = append(s.flags, chromedp.Flag("host-resolver-rules", "MAP "+host+" 127.0.0.1"))
	}
}

// Tab starts a Chromium and returns the chromedp context of its only tab. It ends with the test.
func Tab(t testing.TB, options ...Option) context.Context {
	t.Helper()
	s := settings{scripts: true, flags: []chromedp.ExecAllocatorOption{chromedp.ExecPath(program(t))}}
	if os.Geteuid() == 0 {
		s.flags = append(s.flags, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	for _, option := range options {
		option(&s)
	}
	bounded, stop := context.WithTimeout(t.Context(), limit)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(bounded, chromedp.WithAllocatorOptions(s.flags...))
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); cancel() })
	params := emulation.SetScriptExecutionDisabledParams{Value: !s.scripts}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, params); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	need.Skip(t, "no browser here: install Debian's chromium-headless-shell and fonts-ipafont-gothic")
	return ""
}
