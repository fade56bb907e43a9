package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ocsp"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// RunPortal serves the applicants' pages, the CA certificates and CRLs until ctx ends. It starts without Temporal: only approving
// a domain needs it.
func RunPortal(ctx context.Context, cfg config.Portal, logger *slog.Logger) error {
	desk, err := OpenDesk(ctx, cfg.Common, logger)
	if err != nil {
		return err
	}
	defer desk.Close()
	handler, stop, err := OpenPortal(ctx, cfg, desk, logger)
	if err != nil {
		return err
	}
	defer stop()
	return serve(ctx, cfg.Listen, portal.Server(handler))
}

// OpenPortal makes the desk's portal and starts its OCSP responder. stop ends the responder's work.
func OpenPortal(ctx context.Context, cfg config.Portal, desk *Desk, logger *slog.Logger) (handler http.Handler, stop func(), err error) {
	base, err := cfg.BaseURL()
	if err != nil {
		return nil, nil, err
	}
	responder, stop, err := startOCSP(ctx, cfg, desk, logger)
	if err != nil {
		return nil, nil, err
	}
	handler, err = portal.New(portal.Config{
		Brand:   portal.Brand{Name: fault.Text{JA: cfg.Brand.Company.JA, EN: cfg.Brand.Company.EN}, HelpURL: cfg.Brand.Support.URL, TermsURL: cfg.Brand.TermsURL},
		Records: desk.Records, Orders: desk.Orders, Desk: desk, Policy: desk.Rules, Bundler: bundler{}, Ready: desk.Records.Ping,
		Clock: time.Now, Logger: logger, BaseURL: base, TrustProxyTLS: cfg.TrustProxyTLS, OCSP: responder,
	})
	if err != nil {
		stop()
		return nil, nil, err
	}
	return handler, stop, nil
}

// startOCSP starts the OCSP responder; without a directory for its keys there is none. It answers without Temporal, which only brings it
// its certificates. stop ends its work.
func startOCSP(ctx context.Context, cfg config.Portal, desk *Desk, logger *slog.Logger) (handler http.Handler, stop func(), err error) {
	if cfg.OCSPDir == "" {
		return nil, func() {}, nil
	}
	r, err := ocsp.New(ocsp.Config{
		Records: desk.Records, Certify: desk.Orders.CertifyResponder, Dir: cfg.OCSPDir, Rules: desk.Rules, Clock: time.Now, Logger: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	return r, func() { cancel(); running.Wait() }, nil
}

// bundler lets the portal hand out what ca packs.
type bundler struct{}

func (bundler) P7B(c order.Certificate, i order.IssuingCA) ([]byte, error) { return ca.PKCS7(c.DER, i) }
func (bundler) ZIP(c order.Certificate, i order.IssuingCA) ([]byte, error) { return ca.ZIP(c.DER, i) }
func (bundler) PEM(c order.Certificate, i order.IssuingCA) ([]byte, error) {
	return ca.PEM(c.DER, i), nil
}
