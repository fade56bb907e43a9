package app

import (
	"context"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
)

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
