// Package portal is what the internet sees of the system: the application form (G2–G13) and that for a reissue (G24) with their receipts, the domain approval page (G17), the download page (G22), the CA
// certificates and CRLs that certificates point to, and health. Everything it shows comes from the record; only an application
// and a decision go to the orders' engine. It needs no worker and no Temporal to show, download or serve anything.
//
// Each page is one Go file, one template and one file of texts of the same name (templates/texts, both languages side by side). All
// share templates/layout.html and static/style.css; what several pages show lies in templates/parts. A page works without scripts;
// those in static/ only help. Every failure becomes a page in errors.go.
package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/httprate"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
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
	// IssuerStandings returns every issuing CA with its current list, the newest first.
	IssuerStandings(ctx context.Context) ([]order.IssuerStanding, error)
	// CRL returns the latest list of the issuer.
	CRL(ctx context.Context, issuer string) (order.CRL, error)
	// AddLink keeps a link of the order; a repeat with the same hash changes nothing.
	AddLink(ctx context.Context, l order.Link) error
	// Submitted returns the number that the submission under the idempotency key got, and whether it has become an order.
	Submitted(ctx context.Context, key string) (number string, accepted bool, err error)
	// StopReminders ends the reminders that the order's certificates expire, to one recipient. A repeat changes nothing.
	StopReminders(ctx context.Context, number, recipient string, at time.Time) error
	// RemindersStopped reports whether that has been done.
	RemindersStopped(ctx context.Context, number, recipient string) (bool, error)
}

// Desk takes applications, with the rules of the command line.
type Desk interface {
	// Check returns the application in its normal form, its voucher code included, or an invalid-fields fault. It asks no record.
	Check(ctx context.Context, a order.Application) (order.Application, error)
	// CSR reads a signing request. The fault for one that cannot be accepted has the field "csr".
	CSR(ctx context.Context, text string) (csr.Request, error)
	// Submit hands the application in. The same key with the same content is the same order; with other content it is a Conflict of
	// code submission.key-reused. A voucher that cannot be redeemed is a fault of a code that begins with "voucher.".
	Submit(ctx context.Context, a order.Application, key string) (order.Receipt, error)
	// SendStatusLink mails a fresh status link to the technical contact of the order if email is the contact's address, seldom enough
	// that nobody is flooded. Its answer does not tell whether it did. If it is Unavailable it may be asked for again.
	SendStatusLink(ctx context.Context, number, email string) error
	// SendDownloadLink mails the notice of an issued order with a fresh download link to the technical contact again. Too often it is a
	// fault of code letter.too-often.
	SendDownloadLink(ctx context.Context, number string) error
	// OfferRevocation mails a link that revokes the certificate to the technical contact and to the certificate address. Too often it is a
	// fault of code letter.too-often; a certificate that is revoked or has expired is a Conflict.
	OfferRevocation(ctx context.Context, number string, sequence int) error
	// Revoke revokes the certificate; the same request again changes nothing. It counts when this returns, whether Temporal answers or not.
	Revoke(ctx context.Context, r order.RevocationRequest, urgent bool) (order.Revocation, error)
	// CheckReissue is Check for the form of a reissue (G24).
	CheckReissue(ctx context.Context, r order.ReissueRequest) (order.ReissueRequest, error)
	// Reissue is Submit for it. A certificate that is not found is a fault of code reissue.unknown whose fields are both that could be
	// wrong; one that cannot be reissued is a Conflict.
	Reissue(ctx context.Context, r order.ReissueRequest, key string) (order.Receipt, error)
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
	Name     fault.Text // such as the operator's company
	HelpURL  string     // where people find help; http or https
	TermsURL string     // the terms of service, to which an applicant agrees (G13); http or https
}

// Limits bound what one client address may do per minute, but for vouchers. Zero means the default.
type Limits struct {
	Decisions int // approval forms sent; default 30
	Misses    int // links that do not exist; default 20
	Forms     int // application forms sent; default 30
	Previews  int // signing requests shown decoded; default 60
	Deeds     int // checks, answers and cancellations on status pages; default 30
	Mails     int // mails asked for; default 6

	VoucherRefusals      int // wrong voucher numbers of one address, per hour; default 10
	VoucherRefusalsInAll int // of everybody together, per hour; default 600

	OriginalRefusals      int // certificates named wrongly on the form for a reissue by one address, per hour; default 10
	OriginalRefusalsInAll int // of everybody together, per hour; default 600
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Decisions: cmp.Or(l.Decisions, 30), Misses: cmp.Or(l.Misses, 20), Forms: cmp.Or(l.Forms, 30), Previews: cmp.Or(l.Previews, 60),
		Deeds: cmp.Or(l.Deeds, 30), Mails: cmp.Or(l.Mails, 6),
		VoucherRefusals: cmp.Or(l.VoucherRefusals, 10), VoucherRefusalsInAll: cmp.Or(l.VoucherRefusalsInAll, 600),
		OriginalRefusals: cmp.Or(l.OriginalRefusals, 10), OriginalRefusalsInAll: cmp.Or(l.OriginalRefusalsInAll, 600),
	}
}

// Config is everything that the portal needs. All fields without a stated default are required.
type Config struct {
	Brand   Brand
	Records Records
	Orders  Orders
	Desk    Desk
	Bundler Bundler
	Policy  policy.Book // the zero Book is that of the profile guide
	// Ready asks whether the record answers; /readyz reports it.
	Ready  func(context.Context) error
	Clock  func() time.Time
	Logger *slog.Logger
	// BaseURL is the address that people use, such as https://smid.example.jp; forms sent from it are taken as ours.
	BaseURL string
	// TrustProxyTLS says that a proxy of ours ends TLS before the portal and overwrites X-Forwarded-Proto and appends to
	// X-Forwarded-For. Without such a proxy it must be false: the headers would be the visitor's to choose.
	TrustProxyTLS bool
	// OCSP answers below /ocsp, over plain HTTP too; nil: nothing is there.
	OCSP   http.Handler
	Limits Limits
}

// portal holds what the handlers share; it is immutable once built.
type portal struct {
	Config
	pages     map[order.Language]templates
	texts     catalog
	assets    assets
	files     *shelf[*file]        // that certificates point to
	pki       *shelf[*authorities] // of what the page of the CA's certificates and lists is made
	misses    *httprate.RateLimiter
	forms     *httprate.RateLimiter
	vouchers  guard
	originals guard
}

// New returns the portal's handler, or an error that names what the configuration lacks.
func New(c Config) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Limits = c.Limits.withDefaults()
	p := &portal{
		Config: c, files: newShelf[*file](c.Clock, c.Logger), pki: newShelf[*authorities](c.Clock, c.Logger),
		misses: httprate.NewRateLimiter(c.Limits.Misses, time.Minute), forms: httprate.NewRateLimiter(c.Limits.Forms, time.Minute),
		vouchers: newGuard(c.Limits.VoucherRefusals, c.Limits.VoucherRefusalsInAll), originals: newGuard(c.Limits.OriginalRefusals, c.Limits.OriginalRefusalsInAll),
	}
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
	notWeb := func(address string) bool {
		u, err := url.Parse(address)
		return err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == ""
	}
	return errors.Join(
		missing("Brand.Name (ja and en)", c.Brand.Name.JA == "" || c.Brand.Name.EN == ""),
		missing("Brand.HelpURL (http or https)", notWeb(c.Brand.HelpURL)),
		missing("Brand.TermsURL (http or https)", notWeb(c.Brand.TermsURL)), missing("BaseURL (http or https)", notWeb(c.BaseURL)),
		missing("Records", c.Records == nil), missing("Orders", c.Orders == nil), missing("Bundler", c.Bundler == nil), missing("Desk", c.Desk == nil),
		missing("Ready", c.Ready == nil), missing("Clock", c.Clock == nil), missing("Logger", c.Logger == nil),
	)
}

// routes is the portal's table of contents.
func (p *portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	page := func(pattern string, h pageFunc) { mux.Handle(pattern, p.page(h)) }
	page("GET /{$}", p.home)
	page("GET "+enrollPath, p.showEnroll)
	page("POST "+enrollPath, p.checkEnroll)
	mux.Handle("GET "+submitPath, http.RedirectHandler(enrollPath, http.StatusSeeOther)) // a reload of an answer to a POST
	page("POST "+submitPath, p.submitEnroll)
	mux.Handle("POST "+enrollPath+"/csr", p.limited(p.Limits.Previews, p.page(p.previewCSR)))
	page("GET "+reissuePath, p.showReissue)
	page("POST "+reissuePath, p.checkReissue)
	mux.Handle("GET "+reissueSubmitPath, http.RedirectHandler(reissuePath, http.StatusSeeOther))
	page("POST "+reissueSubmitPath, p.submitReissue)
	page("GET /receipt/{token}", p.showReceipt)
	p.statusRoutes(mux)
	p.lifeRoutes(mux)
	page("GET /approve/{token}", p.showApproval)
	mux.Handle("POST /approve/{token}", p.limited(p.Limits.Decisions, p.page(p.decide)))
	page("GET /confirm/{token}", p.showReuse)
	mux.Handle("POST /confirm/{token}", p.limited(p.Limits.Decisions, p.page(p.answerReuse)))
	page("GET /revoke/{token}", p.showRevocation)
	mux.Handle("POST /revoke/{token}", p.limited(p.Limits.Decisions, p.page(p.revoke)))
	page("GET /download/{token}", p.showDownload)
	page("GET /download/{token}/file", p.downloadFile)
	page("GET /pki", p.showAuthorities)
	page("GET /pki/{file}", p.rootCertificate)
	page("GET /ca/{file}", p.caCertificate)
	page("GET /crl/{file}", p.revocationList)
	page("GET /static/{file}", p.static)
	mux.HandleFunc("GET /robots.txt", robots)
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", p.ready)
	return mux
}

// statusRoutes are the status page, the way to it and what an applicant does there. What sends mail has a limit of its own.
func (p *portal) statusRoutes(mux *http.ServeMux) {
	const path = findPath + "/{token}"
	mux.Handle("GET "+findPath, p.page(p.showFind))
	mux.Handle("POST "+findPath, p.limitedTo(p.Limits.Mails, p.page(p.mailLink), p.page(p.mailedEnough).ServeHTTP))
	mux.Handle("GET "+path, p.page(p.showStatus))
	mux.Handle("GET "+path+"/progress", p.page(p.progress))
	mux.Handle("GET "+path+"/"+actionCancel, p.page(p.showCancel))
	for action, do := range map[string]deed{actionCheck: p.checkNow, actionAnswer: p.answer} {
		mux.Handle("POST "+path+"/"+action, p.limited(p.Limits.Deeds, p.page(p.act(do))))
		mux.Handle("GET "+path+"/"+action, p.page(p.backToStatus))
	}
	for action, do := range map[string]deed{actionMethod: p.changeMethod, actionResend: p.resend, actionDownload: p.mailDownload, actionRevoke: p.offerRevocation} {
		mux.Handle("POST "+path+"/"+action, p.limited(p.Limits.Mails, p.page(p.act(do))))
		mux.Handle("GET "+path+"/"+action, p.page(p.backToStatus))
	}
	mux.Handle("POST "+path+"/"+actionCancel, p.limited(p.Limits.Deeds, p.page(p.actOn(p.cancelPage, p.cancel))))
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
