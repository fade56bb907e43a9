package netlab

import (
	"io"
	"net"
	"net/http"
)

// serveFile answers with the file that was put on the host of the request.
func (w *World) serveFile(rw http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	w.mu.RLock()
	content, ok := w.content.Files[canonical(host)][r.URL.Path]
	w.mu.RUnlock()
	if !ok {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(rw, content)
}
