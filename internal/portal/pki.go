package portal

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/http"
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
	ca, err := p.Records.IssuingCA(r.Context(), id)
	if err != nil {
		return missing(err)
	}
	cert, err := x509.ParseCertificate(ca.DER)
	if err != nil {
		return fmt.Errorf("stored CA certificate: %w", err)
	}
	serveDER(w, r, "application/pkix-cert", ca.DER, cert.NotBefore, 7*24*time.Hour) // the id names the content
	return nil
}

// revocationList serves the latest CRL where the CRL distribution point says (RFC 5280 4.2.1.13): DER, over plain HTTP too.
func (p *portal) revocationList(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, ".crl")
	if err != nil {
		return err
	}
	crl, err := p.Records.CRL(r.Context(), id)
	if err != nil {
		return missing(err)
	}
	left := crl.NextUpdate.Sub(p.Clock())
	if left <= 0 {
		p.Logger.WarnContext(r.Context(), "the CRL has passed its next update", "ref", visitOf(r).id, "issuer", crl.Issuer, "number", crl.Number)
	}
	serveDER(w, r, "application/pkix-crl", crl.DER, crl.ThisUpdate, min(max(left, 0), crlCache))
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

// serveDER answers with data, its conditional requests and HEAD (RFC 9110 13, RFC 9111).
func serveDER(w http.ResponseWriter, r *http.Request, mime string, data []byte, modified time.Time, maxAge time.Duration) {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("ETag", `"`+digest(data)[:32]+`"`)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", modified, bytes.NewReader(data))
}
