// Package portal is what the internet sees of the system: the domain approval page (G17), the download page (G22), the CA
// certificates and CRLs that certificates point to, and health. Everything it shows comes from the record; only a decision
// goes to the orders' engine. It needs no worker and no Temporal to show, download or serve anything.
//
// Each page is one Go file, one template and one file of texts of the same name (templates/texts, both languages side by side). All
// share templates/layout.html and static/style.css; what several pages show lies in templates/parts. A page works without scripts;
// those in static/ only help. Every failure becomes a page in errors.go.
package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/httprate"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Records is what the pages read. What does not exist is a fault of kind NotFound, a database that does not answer one of
// kind Unavailable.
type Records interface {
	// Link returns the link whose token has this hash (secret.Hash), used, expired or not.
	Link(ctx context.Context, hash []byte) (order.Link, error)
	// Order returns the order with its application and current challenge.
	Order(ctx context.Context, number string) (order.Status, error)
	// Certificates returns every certificate of the order.
	Certificates(ctx context.Context, number string) ([]order.Certificate, error)
	// IssuingCA returns the CA certificate of the id.
	IssuingCA(ctx context.Context, id string) (order.IssuingCA, error)
	// CRL returns the latest list of the issuer.
	CRL(ctx context.Context, issuer string) (order.CRL, error)
}

// Orders takes decisions to the order. A Temporal server or worker that does not answer is a fault of kind Unavailable, and
// then the decision may be sent again.
type Orders interface {
	Command(ctx context.Context, number string, c order.Command) (order.Outcome, error)
}

// Bundler packs a certificate and its chain into the files of the download page (G22).
type Bundler interface {
	P7B(order.Certificate, order.IssuingCA) ([]byte, error)
	ZIP(order.Certificate, order.IssuingCA) ([]byte, error)
	PEM(order.Certificate, order.IssuingCA) ([]byte, error)
}

// Brand is in whose name the pages speak.
type Brand struct {
	Name    fault.Text // such as the operator's company
	HelpURL string     // where people find help; http or https
}

// Limits bound what one client address may do per minute. Zero means the default.
type Limits struct {
	Decisions int // approval forms sent; default 30
	Misses    int // links that do not exist; default 20
}

// Config is everything that the portal needs. All fields without a stated default are required.
type Config struct {
	Brand   Brand
	Records Records
	Orders  Orders
	Bundler Bundler
	// Ready asks whether the record answers; /readyz reports it.
	Ready  func(context.Context) error
	Clock  func() time.Time
	Logger *slog.Logger
	// BaseURL is the address that people use, such as https://smid.example.jp; forms sent from it are taken as ours.
	BaseURL string
	// TrustProxyTLS says that a proxy of ours ends TLS before the portal and overwrites X-Forwarded-Proto and appends to
	// X-Forwarded-For. Without such a proxy it must be false: the headers would be the visitor's to choose.
	TrustProxyTLS bool
	Limits        Limits
}

// portal holds what the handlers share; it is immutable once built.
type portal struct {
	Config
	pages  map[order.Language]templates
	texts  catalog
	assets assets
	misses *httprate.RateLimiter
}

// New returns the portal's handler, or an error that names what the configuration lacks.
func New(c Config) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Limits.Decisions == 0 {
		c.Limits.Decisions = 30
	}
	if c.Limits.Misses == 0 {
		c.Limits.Misses = 20
	}
	p := &portal{Config: c, misses: httprate.NewRateLimiter(c.Limits.Misses, time.Minute)}
	var err error
	if p.texts, err = loadTexts(); err != nil {
		return nil, err
	}
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if p.pages, err = loadPages(p.texts, p.assets); err != nil {
		return nil, err
	}
	return p.chain(p.routes()), nil
}

func (c Config) check() error {
	missing := func(name string, absent bool) error {
		if absent {
			return fmt.Errorf("portal: %s is not set", name)
		}
		return nil
	}
	base, baseErr := url.Parse(c.BaseURL)
	help, helpErr := url.Parse(c.Brand.HelpURL)
	return errors.Join(
		missing("Brand.Name (ja and en)", c.Brand.Name.JA == "" || c.Brand.Name.EN == ""),
		missing("Brand.HelpURL (http or https)", helpErr != nil || !isWeb(help)),
		missing("BaseURL (http or https)", baseErr != nil || !isWeb(base)),
		missing("Records", c.Records == nil), missing("Orders", c.Orders == nil), missing("Bundler", c.Bundler == nil),
		missing("Ready", c.Ready == nil), missing("Clock", c.Clock == nil), missing("Logger", c.Logger == nil),
	)
}

func isWeb(u *url.URL) bool { return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" }

// routes is the portal's table of contents.
func (p *portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	page := func(pattern string, h pageFunc) { mux.Handle(pattern, p.page(h)) }
	page("GET /{$}", p.home)
	page("GET /approve/{token}", p.showApproval)
	mux.Handle("POST /approve/{token}", p.limited(p.Limits.Decisions, p.page(p.decide)))
	page("GET /download/{token}", p.showDownload)
	page("GET /download/{token}/file", p.downloadFile)
	page("GET /ca/{file}", p.caCertificate)
	page("GET /crl/{file}", p.revocationList)
	page("GET /static/{file}", p.static)
	mux.HandleFunc("GET /robots.txt", robots)
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", p.ready)
	return mux
}

// pageFunc answers a request; what it returns becomes an error page.
type pageFunc func(w http.ResponseWriter, r *http.Request) error

func (p *portal) page(h pageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			p.fail(w, r, err)
		}
	})
}
