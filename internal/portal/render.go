package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"securemailid.example/internal/order"
)

//go:embed static
var staticFiles embed.FS

// templates are the pages of one language by name.
type templates map[string]*template.Template

// frame is what the layout needs around a page's own data.
type frame struct {
	Lang    order.Language
	Other   order.Language // the language to switch to; empty where switching would lose the page
	Company string         // in whose name the page speaks, in its language
	HelpURL string
	Page    any
}

// loadPages parses every page within the layout, with the parts that pages share, once per language.
func loadPages(texts catalog, assets assets) (map[order.Language]templates, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	all := map[order.Language]templates{}
	for _, l := range languages {
		all[l] = templates{}
		funcs := template.FuncMap{"t": texts.in(l), "hint": texts.hint(l), "say": say(l), "when": moment(l), "asset": assets.href}
		for _, name := range names {
			page := strings.TrimSuffix(path.Base(name), ".html")
			if page == "layout" {
				continue
			}
			t, err := template.New("layout.html").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html", name)
			if err != nil {
				return nil, fmt.Errorf("portal: %w", err)
			}
			all[l][page] = t
		}
	}
	return all, nil
}

// render answers with a page. It is built whole before the first byte leaves, so that a failure can still become an error page.
func (p *portal) render(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
	l := p.language(r)
	f := frame{Lang: l, Company: p.Brand.Name.In(string(l)), HelpURL: p.Brand.HelpURL, Page: data}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		f.Other = languages[0]
		if l == f.Other {
			f.Other = languages[1]
		}
	}
	var b bytes.Buffer
	if err := p.pages[l][page].Execute(&b, f); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	p.rememberLanguage(w, r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(l))
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the visitor has gone away: nothing to do
	return nil
}

// digest returns the SHA-256 of data in lower-case hex.
func digest(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
