package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"securemailid.example/internal/order"
)

// visit is what is known of the request being answered.
type visit struct {
	id    string         // reference id, shown on error pages and logged
	order order.Language // language of the order that the page is about; empty without one
}

type visitKey struct{}

// visitOf returns the request's visit; observe has put it there.
func visitOf(r *http.Request) *visit {
	v, ok := r.Context().Value(visitKey{}).(*visit)
	if !ok {
		return &visit{}
	}
	return v
}

// chain wraps the routes, the outermost layer first in the reading order of a request: observe, headers, recovery, body
// limit, origin, route. No layer inside observe may copy the request, or the log would lose the route.
func (p *portal) chain(mux *http.ServeMux) http.Handler {
	return p.observe(p.besideOCSP(p.secure(p.recover(p.limitBody(p.sameOrigin(p.route(mux)))))))
}

// besideOCSP takes OCSP requests out before anything that is for people and their browsers, and before a mux could clean the path: the base64
// in it has slashes of its own.
func (p *portal) besideOCSP(next http.Handler) http.Handler {
	if p.OCSP == nil {
		return next
	}
	const path = "/ocsp"
	answer := p.recover(p.OCSP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path && !strings.HasPrefix(r.URL.Path, path+"/") {
			next.ServeHTTP(w, r)
			return
		}
		r.Pattern = path // for the log
		answer.ServeHTTP(w, r)
	})
}

// observe gives the request its reference id and deadline, and writes the access log: the route and never the path, since
// paths hold secret tokens; no query, no address, nothing personal.
func (p *portal) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now() // a duration of this process, not a date: the injected clock has no part in it
		v := &visit{id: reference()}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), visitKey{}, v), handleTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		rec := &recorder{ResponseWriter: w}
		w.Header().Set("X-Request-Id", v.id)
		next.ServeHTTP(rec, r)
		level := slog.LevelInfo
		if r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz" {
			level = slog.LevelDebug
		}
		p.Logger.Log(ctx, level, "request", "ref", v.id, "route", r.Pattern, "method", knownMethod(r.Method),
			"status", rec.status, "bytes", rec.bytes, "duration", time.Since(start))
	})
}

// reference returns a random id that can be read out on the phone.
func reference() string {
	t := rand.Text()
	return t[:4] + "-" + t[4:8] + "-" + t[8:12]
}

// knownMethod keeps invented methods out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	default:
		return "other"
	}
}

// secure sets the headers that hold for every answer; pages that may be cached say so themselves.
func (p *portal) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "no-store")
		if p.overTLS(r) { // RFC 6797 7.2: never over plain HTTP
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// recover turns a panic into an error page.
func (p *portal) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				p.panicked(w, r, cause)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// panicked answers for a handler that panicked; the stack goes to the log alone.
func (p *portal) panicked(w http.ResponseWriter, r *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	p.Logger.ErrorContext(r.Context(), "panic", "ref", visitOf(r).id, "route", r.Pattern, "cause", cause, "stack", string(debug.Stack()))
	if rec, ok := w.(*recorder); ok && rec.status != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	p.fail(w, r, errPanic)
}

func (p *portal) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// route hands the request to its page, and turns the mux's bare 404 and 405 into pages.
func (p *portal) route(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &silent{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if probe.status != http.StatusMethodNotAllowed {
			p.fail(w, r, errNoPage)
			return
		}
		w.Header().Set("Allow", probe.header.Get("Allow"))
		p.fail(w, r, errMethod)
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// silent takes an answer without sending it.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
func (s *silent) WriteHeader(status int)      { s.status = status }
