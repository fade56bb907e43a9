package ca

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Authority is the issuing CAs that are alive under one root. New certificates come from the newest; what an older one has prepared
// it still signs, and it goes on to sign its CRLs until it expires. It is immutable and safe for concurrent use.
type Authority struct {
	newestFirst []*CA
}

// NewAuthority joins issuing CAs; one is needed, and none may be there twice.
func NewAuthority(issuing ...*CA) (*Authority, error) {
	if len(issuing) == 0 {
		return nil, errors.New("ca: an authority needs an issuing CA")
	}
	all := slices.Clone(issuing)
	slices.SortFunc(all, func(a, b *CA) int {
		return cmp.Or(b.cert.NotBefore.Compare(a.cert.NotBefore), b.cert.NotAfter.Compare(a.cert.NotAfter), cmp.Compare(a.id, b.id))
	})
	for i := 1; i < len(all); i++ {
		if slices.ContainsFunc(all[:i], func(c *CA) bool { return c.id == all[i].id }) {
			return nil, errors.New("ca: an issuing CA is there twice")
		}
	}
	return &Authority{newestFirst: all}, nil
}

// Active is the issuing CA that new certificates come from: the one whose certificate began last.
func (a *Authority) Active() *CA { return a.newestFirst[0] }

// All returns every issuing CA, the active one first.
func (a *Authority) All() []*CA { return slices.Clone(a.newestFirst) }

// CA returns the issuing CA of the id (IssuerID).
func (a *Authority) CA(id string) (*CA, bool) {
	i := slices.IndexFunc(a.newestFirst, func(c *CA) bool { return c.id == id })
	if i < 0 {
		return nil, false
	}
	return a.newestFirst[i], true
}

// Prepare is CA.Prepare of the active issuing CA.
func (a *Authority) Prepare(ctx context.Context, r order.CertificateRequest) (order.ToBeSigned, error) {
	return a.Active().Prepare(ctx, r)
}

// Sign is CA.Sign of the issuing CA that prepared t, so that a certificate reserved before a rollover is signed by the key that
// sealed it. A CA that is not here is a fault of kind Unavailable: while a rollover is rolled out another worker may hold its key.
func (a *Authority) Sign(ctx context.Context, t order.ToBeSigned) ([]byte, error) {
	c, ok := a.CA(t.Issuer)
	if !ok {
		return nil, fault.New(fault.Unavailable, "ca.not-here",
			"準備に使われた発行 CA の鍵がこの worker にありません。鍵を持つ worker が再試行で処理します。",
			"This worker does not hold the key of the issuing CA that prepared the certificate; a worker that does will take the retry.")
	}
	return c.Sign(ctx, t)
}
