package app

import (
	"context"
	"log/slog"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// RunPortal serves the applicants' pages, the CA certificates and CRLs until ctx ends. It starts without Temporal: only approving
// a domain needs it.
func RunPortal(ctx context.Context, cfg config.Portal, logger *slog.Logger) error {
	base, err := cfg.BaseURL()
	if err != nil {
		return err
	}
	desk, err := OpenDesk(ctx, cfg.Common, logger)
	if err != nil {
		return err
	}
	defer desk.Close()
	handler, err := portal.New(portal.Config{
		Brand:   portal.Brand{Name: fault.Text{JA: cfg.Brand.Company.JA, EN: cfg.Brand.Company.EN}, HelpURL: cfg.Brand.Support.URL, TermsURL: cfg.Brand.TermsURL},
		Records: desk.Records, Orders: desk.Orders, Desk: desk, Policy: desk.Rules, Bundler: bundler{}, Ready: desk.Records.Ping,
		Clock: time.Now, Logger: logger, BaseURL: base, TrustProxyTLS: cfg.TrustProxyTLS,
	})
	if err != nil {
		return err
	}
	return serve(ctx, cfg.Listen, portal.Server(handler))
}

// bundler lets the portal hand out what ca packs.
type bundler struct{}

func (bundler) P7B(c order.Certificate, i order.IssuingCA) ([]byte, error) { return ca.PKCS7(c.DER, i) }
func (bundler) ZIP(c order.Certificate, i order.IssuingCA) ([]byte, error) { return ca.ZIP(c.DER, i) }
func (bundler) PEM(c order.Certificate, i order.IssuingCA) ([]byte, error) {
	return ca.PEM(c.DER, i), nil
}
