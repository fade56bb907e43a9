package portal

import (
	"context"
	"net/http"
	"time"
)

// handleTimeout is how long the record and the engine may take for one page; it ends before the server's write timeout, so
// that the visitor still gets an answer.
const handleTimeout = 20 * time.Second

// maxBody bounds every request body, in bytes: more than the largest form needs, a CSR included.
const maxBody = 64 << 10

// Server returns an http.Server for the handler with limits that suit strangers; the caller sets the address and starts it.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      handleTimeout + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// ready says whether the record answers, for load balancers. Temporal is not asked: downloads and CRLs do not need it.
func (p *portal) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		p.Logger.WarnContext(r.Context(), "not ready", "error", err)
		plain(w, http.StatusServiceUnavailable, "the record does not answer\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

// robots keeps search engines off everything that is reached by a secret link.
func robots(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "User-agent: *\nDisallow: /approve/\nDisallow: /download/\nDisallow: /revoke/\nDisallow: /receipt/\nDisallow: /status/\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the visitor has gone away: nothing to do
}
