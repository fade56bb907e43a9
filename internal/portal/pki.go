package portal

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"securemailid.example/internal/fault"
)

// crlCache is the longest that a CRL may lie in a cache. Its nextUpdate would allow days, but after a revocation a new list
// comes early and should be seen; asking again costs a 304.
const crlCache = time.Hour

// caCertificate serves a CA certificate where the AIA extension points to (RFC 5280 4.2.2.1): DER, over plain HTTP too.
func (p *portal) caCertificate(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, ".cer")
	if err != nil {
		return err
	}
	f, err := p.files.get(r.Context(), id+".cer", func(ctx context.Context) (*file, error) {
		ca, err := p.Records.IssuingCA(ctx, id)
		if err != nil {
			return nil, err
		}
		cert, err := x509.ParseCertificate(ca.DER)
		if err != nil {
			return nil, fmt.Errorf("stored CA certificate: %w", err)
		}
		return newFile("application/pkix-cert", ca.DER, cert.NotBefore, time.Time{}), nil // the id names the content
	})
	if err != nil {
		return missing(err)
	}
	f.serve(w, r, 7*24*time.Hour)
	return nil
}

// revocationList serves the latest CRL where the CRL distribution point says (RFC 5280 4.2.1.13): DER, over plain HTTP too.
func (p *portal) revocationList(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, ".crl")
	if err != nil {
		return err
	}
	f, err := p.files.get(r.Context(), id+".crl", func(ctx context.Context) (*file, error) {
		crl, err := p.Records.CRL(ctx, id)
		if err != nil {
			return nil, err
		}
		return newFile("application/pkix-crl", crl.DER, crl.ThisUpdate, crl.NextUpdate), nil
	})
	if err != nil {
		return missing(err)
	}
	left := f.end.Sub(p.Clock())
	if left <= 0 {
		p.Logger.WarnContext(r.Context(), "the CRL has passed its next update", "ref", visitOf(r).id, "issuer", id, "end", f.end)
	}
	f.serve(w, r, min(max(left, 0), crlCache))
	return nil
}

// idOf returns the CA's id from a file name: 16 lower-case hex digits (order.ToBeSigned, Issuer).
func idOf(r *http.Request, suffix string) (string, error) {
	id, ok := strings.CutSuffix(r.PathValue("file"), suffix)
	if !ok || len(id) != 16 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", errNoFile
	}
	return id, nil
}

func missing(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return errNoFile.Because(err)
	}
	return err
}

// file is what is served under a fixed address, with its entity tag, made once.
type file struct {
	mime     string
	data     []byte
	etag     string
	modified time.Time
	end      time.Time // next update of a list; zero: the file never changes
}

func (f *file) forever() bool { return f.end.IsZero() }

func newFile(mime string, data []byte, modified, end time.Time) *file {
	return &file{mime: mime, data: data, etag: `"` + digest(data)[:32] + `"`, modified: modified, end: end}
}

// serve answers with the file, its conditional requests and HEAD (RFC 9110 13, RFC 9111).
func (f *file) serve(w http.ResponseWriter, r *http.Request, maxAge time.Duration) {
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if !plainGet(r) {
		http.ServeContent(w, r, "", f.modified, bytes.NewReader(f.data))
		return
	}
	// The same answer in one piece: ServeContent would copy a long list bit by bit before it is sent.
	h.Set("Last-Modified", f.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.Itoa(len(f.data)))
	_, _ = w.Write(f.data) //nolint:gosec // DER of ours under its own type; where the client has gone away there is nothing to do
}

// plainGet knows a request for the whole file on no condition.
func plainGet(r *http.Request) bool {
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return r.Method == http.MethodGet
}
