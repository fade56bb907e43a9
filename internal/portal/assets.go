package portal

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// asset is one file of static/, addressed by its content so that it may be cached.
type asset struct {
	data   []byte
	packed []byte // the same in gzip; nil where that saves nothing
	mime   string
	etag   string
	href   string
}

// assets are the files of static/ by name.
type assets map[string]asset

// href is the address of a file, for templates; a misspelt name fails when the page is rendered.
func (a assets) href(name string) (string, error) {
	found, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return found.href, nil
}

func loadAssets() (assets, error) {
	mimes := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	all := assets{}
	for _, e := range entries {
		data, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
		packed, err := compress(data)
		if err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
		id := digest(data)[:16]
		all[e.Name()] = asset{data: data, packed: packed, mime: mimes[path.Ext(e.Name())], etag: id, href: "/static/" + e.Name() + "?v=" + id}
	}
	return all, nil
}

// compress packs a file once, when the program starts.
func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() > len(data)*9/10 {
		return nil, nil
	}
	return b.Bytes(), nil
}

func (p *portal) static(w http.ResponseWriter, r *http.Request) error {
	a, ok := p.assets[r.PathValue("file")]
	if !ok {
		return errNoPage
	}
	data, h := a.data, w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("ETag", `"`+a.etag+`"`)
	h.Set("Vary", "Accept-Encoding")
	if a.packed != nil && takesGzip(r) {
		data = a.packed
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", `"`+a.etag+`-gzip"`) // another representation (RFC 9110 8.8.3)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	return nil
}

// takesGzip reports whether the visitor accepts gzip (RFC 9110 12.5.3); any weight but zero will do.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q, given := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			return !given || strings.Trim(q, "0.") != ""
		}
	}
	return false
}
