package app

import (
	"context"
	"crypto/rand"
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

// LoadCA opens the issuing CA as "starter ca init" left it. Its certificates and CRLs are found below the CA's own http address,
// or the portal's.
func LoadCA(cfg config.CA, rules policy.Book, base string, clock func() time.Time) (*ca.CA, error) {
	files := ca.Files{
		Key:         filepath.Join(cfg.Dir, ceremony.IssuingKey),
		Certificate: filepath.Join(cfg.Dir, ceremony.IssuingCertificate),
		Chain:       filepath.Join(cfg.Dir, ceremony.RootCertificate),
	}
	certs, err := ca.LoadCertificates(files.Certificate)
	if err != nil {
		return nil, fmt.Errorf("SMID_CA_DIR: %w", err)
	}
	if cfg.URL != "" {
		base = cfg.URL
	}
	id := ca.IssuerID(certs[0])
	return ca.Load(files, ca.Config{
		URLs:    ca.URLs{CRL: base + "/crl/" + id + ".crl", AIA: base + "/ca/" + id + ".cer"},
		Profile: rules, PolicyOID: cfg.PolicyOID, Clock: clock, Rand: rand.Reader,
	})
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
