package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
)

// LoadAuthority opens the issuing CAs that "starter ca init" and "starter ca rollover" left, without those that have expired. Their
// certificates and CRLs are found below the CA's own http address, or the portal's.
func LoadAuthority(cfg config.CA, rules policy.Book, base string, clock func() time.Time) (*ca.Authority, error) {
	if cfg.URL != "" {
		base = cfg.URL
	}
	names, err := ceremony.IssuingCAs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("SMID_CA_DIR: %w", err)
	}
	var issuing []*ca.CA
	for i, name := range names {
		cert, err := issuingCertificate(cfg.Dir, name)
		if err != nil {
			return nil, err
		}
		if clock().After(cert.NotAfter) && i < len(names)-1 {
			continue // nothing that it issued is valid any more, so nobody needs its CRLs
		}
		c, err := loadCA(cfg, name, cert, rules, base, clock)
		if err != nil {
			return nil, fmt.Errorf("SMID_CA_DIR: %s: %w", name, err)
		}
		issuing = append(issuing, c)
	}
	return ca.NewAuthority(issuing...)
}

func issuingCertificate(dir, name string) (*x509.Certificate, error) {
	certs, err := ca.LoadCertificates(filepath.Join(dir, name+".crt"))
	if err != nil {
		return nil, fmt.Errorf("SMID_CA_DIR: %w", err)
	}
	return certs[0], nil
}

func loadCA(cfg config.CA, name string, cert *x509.Certificate, rules policy.Book, base string, clock func() time.Time) (*ca.CA, error) {
	id := ca.IssuerID(cert)
	return ca.Load(ca.Files{
		Key:         filepath.Join(cfg.Dir, name+".key"),
		Certificate: filepath.Join(cfg.Dir, name+".crt"),
		Chain:       filepath.Join(cfg.Dir, ceremony.RootCertificate),
	}, ca.Config{
		URLs:    ca.URLs{CRL: base + "/crl/" + id + ".crl", AIA: base + "/ca/" + id + ".cer"},
		Profile: rules, PolicyOID: cfg.PolicyOID, Clock: clock, Rand: rand.Reader,
	})
}

// PublishAuthority is PublishCA for every issuing CA.
func PublishAuthority(ctx context.Context, records *store.Store, a *ca.Authority, rules policy.Book, now time.Time) error {
	for _, c := range a.All() {
		if err := PublishCA(ctx, records, c, rules, now); err != nil {
			return fmt.Errorf("issuing CA %s: %w", c.ID(), err)
		}
	}
	return nil
}

// PublishCA puts the issuing CA's certificate into the record, from where the portal serves it, and a CRL if there is none yet or
// the last one is older than the policy allows.
func PublishCA(ctx context.Context, records *store.Store, c *ca.CA, rules policy.Book, now time.Time) error {
	describe := c.Describe()
	if err := records.SaveIssuingCA(ctx, describe); err != nil {
		return err
	}
	last, err := records.CRL(ctx, describe.ID)
	switch {
	case err == nil && now.Sub(last.ThisUpdate) < rules.At(now).CRLEvery:
		return nil
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return err
	}
	revoked, err := records.RevokedCertificates(ctx, describe.ID)
	if err != nil {
		return err
	}
	number, err := records.NextCRLNumber(ctx, describe.ID)
	if err != nil {
		return err
	}
	crl, err := c.CRL(ctx, number, revoked, now)
	if err != nil {
		return err
	}
	return records.PublishCRL(ctx, crl)
}
