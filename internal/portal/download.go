package portal

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// downloadView is the download page (G22).
type downloadView struct {
	Number       string
	Email        string
	Organization string
	Issuer       string
	Serial       []string // in pairs of digits
	Fingerprint  []string // SHA-256 of the certificate, in pairs of digits
	NotBefore    time.Time
	NotAfter     time.Time
	RevokedAt    time.Time // zero: not revoked
	LinkExpires  time.Time
	Path         string // of the page, to build the address of the file
}

// showDownload offers the certificate of the order in a choice of file types.
func (p *portal) showDownload(w http.ResponseWriter, r *http.Request) error {
	link, cert, err := p.issued(w, r)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(cert.DER)
	if err != nil {
		return fmt.Errorf("stored certificate: %w", err)
	}
	sum := sha256.Sum256(cert.DER)
	return p.render(w, r, http.StatusOK, "download", downloadView{
		Number: link.Order, Email: strings.Join(parsed.EmailAddresses, ", "),
		Organization: strings.Join(parsed.Subject.Organization, ", "), Issuer: parsed.Issuer.CommonName,
		Serial: pairs(parsed.SerialNumber.Bytes()), Fingerprint: pairs(sum[:]),
		NotBefore: parsed.NotBefore, NotAfter: parsed.NotAfter, RevokedAt: cert.RevokedAt, LinkExpires: link.ExpiresAt, Path: r.URL.Path,
	})
}

// issued returns the latest certificate of the order that the request's link opens.
func (p *portal) issued(w http.ResponseWriter, r *http.Request) (order.Link, order.Certificate, error) {
	link, _, err := p.open(w, r, order.LinkDownload)
	if err != nil {
		return link, order.Certificate{}, err
	}
	if err := downloadable(link, p.Clock()); err != nil {
		return link, order.Certificate{}, err
	}
	all, err := p.Records.Certificates(r.Context(), link.Order)
	if err != nil {
		return link, order.Certificate{}, err
	}
	if len(all) == 0 {
		return link, order.Certificate{}, errNotIssued
	}
	return link, slices.MaxFunc(all, func(a, b order.Certificate) int { return a.Sequence - b.Sequence }), nil
}

// downloadFile sends the certificate with its chain as the file type asked for.
func (p *portal) downloadFile(w http.ResponseWriter, r *http.Request) error {
	_, cert, err := p.issued(w, r)
	if err != nil {
		return err
	}
	pack, mime, err := p.fileType(r.URL.Query().Get("type"))
	if err != nil {
		return err
	}
	ca, err := p.Records.IssuingCA(r.Context(), cert.Issuer)
	if err != nil {
		return err
	}
	data, err := pack(cert, ca)
	if err != nil {
		return fmt.Errorf("pack the certificate: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="smid-%s.%s"`, cert.Order, r.URL.Query().Get("type")))
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the visitor has gone away: nothing to do
	return nil
}

type packer func(order.Certificate, order.IssuingCA) ([]byte, error)

func (p *portal) fileType(name string) (packer, string, error) {
	switch name {
	case "p7b":
		return p.Bundler.P7B, "application/x-pkcs7-certificates", nil
	case "zip":
		return p.Bundler.ZIP, "application/zip", nil
	case "pem":
		return p.Bundler.PEM, "application/x-pem-file", nil
	default:
		return nil, "", fault.InvalidFields([]fault.Field{{
			Path: "type", Code: "choice",
			Rule:   fault.Text{JA: "ファイルの種類は p7b、zip、pem のいずれかです。", EN: "The file type is p7b, zip or pem."},
			Remedy: fault.Text{JA: "ダウンロードページで種類を選んでください。", EN: "Choose one on the download page."},
		}})
	}
}

// pairs writes bytes as people compare them: upper-case hex, two digits at a time.
func pairs(b []byte) []string { return strings.Fields(fmt.Sprintf("% X", b)) }
