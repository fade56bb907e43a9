package ocsp

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Path is where the responder is served; a GET has the request behind it.
const Path = "/ocsp"

const (
	requestType  = "application/ocsp-request"
	responseType = "application/ocsp-response"

	// maxRequest bounds a request, bytes: one certificate, and perhaps a nonce and a signature with its chain.
	maxRequest = 10 << 10
	// longestCached is how long an answer may lie in a cache on the way. Its nextUpdate would allow days, but a revocation should be seen
	// sooner; asking again costs a 304.
	longestCached = time.Hour
)

// ServeHTTP answers requests by GET and POST (RFC 6960 A.1, RFC 5019 5 and 6). It must not stand behind a mux that cleans paths: base64
// has slashes, sometimes two in a row. Every OCSP answer, also of a failure, is a 200.
func (r *Responder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		r.answer(w, q, fromPath(q.URL.Path))
	case http.MethodPost:
		if t, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || t != requestType {
			w.Header().Set("Accept", requestType)
			http.Error(w, "an OCSP request is "+requestType, http.StatusUnsupportedMediaType)
			return
		}
		r.answer(w, q, fromBody(q.Body))
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "OCSP is asked by GET or POST", http.StatusMethodNotAllowed)
	}
}

// answer answers a request, DER; what could not be read is nil.
func (r *Responder) answer(w http.ResponseWriter, q *http.Request, der []byte) {
	id, ok := parseRequest(der)
	if !ok {
		refuse(w, ocsp.MalformedRequestErrorResponse)
		return
	}
	a, err := r.find(q.Context(), id)
	switch {
	case errors.Is(err, errUnauthorized):
		refuse(w, ocsp.UnauthorizedErrorResponse)
	case err != nil:
		r.Logger.WarnContext(q.Context(), "OCSP: no answer can be made", "error", err)
		refuse(w, ocsp.TryLaterErrorResponse)
	default:
		r.send(w, q, a)
	}
}

// fromBody returns the request in the body of a POST, or nil.
func fromBody(body io.Reader) []byte {
	der, err := io.ReadAll(io.LimitReader(body, maxRequest+1))
	if err != nil || len(der) > maxRequest {
		return nil
	}
	return der
}

// fromPath returns the request in the path of a GET: base64, which clients percent-encode in part, wholly or twice, or leave as it is. A
// request begins with a SEQUENCE, so its base64 never begins with a slash, which proxies and clients add. What cannot be read is nil.
func fromPath(path string) []byte {
	text := strings.TrimLeft(strings.TrimPrefix(path, Path), "/")
	if strings.Contains(text, "%") {
		again, err := url.PathUnescape(text)
		if err != nil {
			return nil
		}
		text = again
	}
	text = strings.ReplaceAll(text, " ", "+") // a form decoder on the way
	if len(text) > maxRequest {
		return nil
	}
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return der
}

// refuse sends an unsigned answer, which no cache may keep.
func refuse(w http.ResponseWriter, der []byte) {
	h := w.Header()
	h.Set("Content-Type", responseType)
	h.Set("Content-Length", strconv.Itoa(len(der)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(der) // the client has gone away: nothing to do
}

// send answers with the headers of RFC 5019 6.2, or with 304 if the client has the answer already.
func (r *Responder) send(w http.ResponseWriter, q *http.Request, a *answer) {
	maxAge := min(longestCached, max(a.nextUpdate.Sub(r.Clock()), 0))
	h := w.Header()
	h["Content-Type"] = []string{responseType}
	h["Etag"], h["Last-Modified"], h["Expires"] = a.etag, a.modified, a.expires
	h["Cache-Control"] = []string{"max-age=" + strconv.Itoa(int(maxAge.Seconds())) + ", public, no-transform, must-revalidate"}
	if q.Method != http.MethodPost && unchanged(q, a) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.der))}
	if q.Method != http.MethodHead {
		_, _ = w.Write(a.der) // the client has gone away: nothing to do
	}
}

// unchanged evaluates the request's conditions (RFC 9110 13.2.2): the entity tag if there is one, else the time.
func unchanged(q *http.Request, a *answer) bool {
	if tags := q.Header.Get("If-None-Match"); tags != "" {
		return tags == "*" || strings.Contains(tags, a.etag[0])
	}
	since, err := http.ParseTime(q.Header.Get("If-Modified-Since"))
	return err == nil && !a.thisUpdate.After(since)
}
