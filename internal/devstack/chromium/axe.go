package chromium

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"securemailid.example/internal/devstack/need"
)

// Finding is one rule of axe-core that a page breaks.
type Finding struct {
	ID      string   `json:"id"`
	Help    string   `json:"help"`
	HelpURL string   `json:"helpUrl"`
	Targets []string `json:"targets"` // where, as CSS selectors
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s (%s)\n    %s", f.ID, f.Help, f.HelpURL, strings.Join(f.Targets, "\n    "))
}

// everything is every rule of WCAG 2.2 at levels A and AA, and axe-core's own good practices; colours are the rules that the colour
// scheme can change.
const (
	everything = `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`
	colours    = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`
)

// Findings audits the tab's page as it is laid out now. The library is put into the page past its Content-Security-Policy, and the page
// needs scripts to be on.
func Findings(t testing.TB, ctx context.Context) []Finding {
	t.Helper()
	return audit(t, ctx, everything)
}

func audit(t testing.TB, ctx context.Context, rules string) []Finding {
	t.Helper()
	equip(t, ctx)
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]Finding](`axe.run(document, {resultTypes: ["violations"], runOnly: `+rules+`})
		.then((result) => result.violations.map(({id, help, helpUrl, nodes}) => ({id, help, helpUrl, targets: nodes.map((n) => n.target.join(" "))})))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("run axe-core: %v", err)
	}
	return found
}

func equip(t testing.TB, ctx context.Context) {
	t.Helper()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`"axe" in window`))
	if err != nil || there {
		return // a page that is gone fails in the audit
	}
	file, err := os.ReadFile(filepath.Join(Modules(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core: %v", err)
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](string(file))); err != nil {
		t.Fatalf("put axe-core into the page: %v", err)
	}
}

// Axe fails the test for everything that axe-core finds in the tab's page on any of the Screens; in the dark it looks at colours only,
// since nothing else differs. Where PORTAL_SHOTS names a directory it leaves a picture of each there, under the page's name.
func Axe(t testing.TB, ctx context.Context, page string) {
	t.Helper()
	for _, s := range Screens() {
		s.Show(t, ctx)
		if dir := os.Getenv("PORTAL_SHOTS"); dir != "" {
			Picture(t, ctx, filepath.Join(dir, strings.ReplaceAll(page, " ", "-")+"-"+s.Name+".png"))
		}
		rules := everything
		if s.Dark {
			rules = colours
		}
		for _, f := range audit(t, ctx, rules) {
			t.Errorf("%s on %s: %s", page, s.Name, f)
		}
	}
}

// Modules returns the directory of the JavaScript libraries that `make setup` installs, or skips the test without them.
func Modules(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(Root(t), ".dev", "browser", "node_modules")
	if _, err := os.Stat(dir); err != nil {
		need.Skip(t, "the JavaScript libraries are not installed: make javascript")
	}
	return dir
}

// Root returns the directory of the module that is being tested.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("working directory: %v", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the working directory")
	return ""
}
