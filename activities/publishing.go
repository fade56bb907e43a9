package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// ListRecords is what publishing needs of the record.
type ListRecords interface {
	// SaveIssuingCA keeps an issuing CA with its chain; a repeat changes nothing.
	SaveIssuingCA(ctx context.Context, ca order.IssuingCA) error
	// CRL returns the issuer's current list; NotFound where none has been published.
	CRL(ctx context.Context, issuer string) (order.CRL, error)
	// DraftCRL fixes the next number together with what the list says; what is revoked after at may be missing from it.
	DraftCRL(ctx context.Context, issuer, shard string, at time.Time) (order.CRLDraft, error)
	// PublishCRL makes the list the current one. One with a higher number that was published meanwhile is a Conflict, code crl.older.
	PublishCRL(ctx context.Context, crl order.CRL) error
}

// CRLSigner is an issuing CA as far as its lists are concerned.
type CRLSigner interface {
	ID() string
	Describe() order.IssuingCA
	CRL(ctx context.Context, d order.CRLDraft) (order.CRL, error)
}

// Publishing publishes the certificate revocation lists of the issuing CAs whose keys are here.
type Publishing struct {
	Records ListRecords
	Issuing []CRLSigner
	Policy  policy.Book
	Clock   func() time.Time
}

// PublishInput says which lists are published.
type PublishInput struct {
	Issuers []string `json:"issuers,omitempty"` // ids; empty: of every issuing CA whose key is here
	IfDue   bool     `json:"if_due,omitempty"`  // only where the last list is older than the policy's interval
}

// PublishResult names the lists.
type PublishResult struct {
	Lists []PublishedList `json:"lists,omitempty"`
}

// PublishedList is one list.
type PublishedList struct {
	Issuer     string    `json:"issuer"`
	Number     int64     `json:"number"`
	NextUpdate time.Time `json:"next_update"`
}

// Register puts the issuing CAs whose keys are here into the record.
func (p *Publishing) Register(ctx context.Context) error {
	for _, signer := range p.Issuing {
		if err := p.Records.SaveIssuingCA(ctx, signer.Describe()); err != nil {
			return err
		}
	}
	return nil
}

// ListInput names an issuing CA.
type ListInput struct {
	Issuer string `json:"issuer"`
}

// PublishCRL signs and publishes a new list of one issuing CA, with what has been revoked by now. An issuing CA whose key is elsewhere is a
// fault of kind Unavailable: its own task queue should not have led here.
func (p *Publishing) PublishCRL(ctx context.Context, in ListInput) (PublishedList, error) {
	i := slices.IndexFunc(p.Issuing, func(s CRLSigner) bool { return s.ID() == in.Issuer })
	if i < 0 {
		return PublishedList{}, keyElsewhere()
	}
	crl, err := p.publish(ctx, p.Issuing[i], false)
	return listed(crl), err
}

func listed(crl order.CRL) PublishedList {
	return PublishedList{Issuer: crl.Issuer, Number: crl.Number, NextUpdate: crl.NextUpdate}
}

// PublishCRLs signs and publishes new lists, with what has been revoked by now. One list that fails does not hold up the others; a retry
// publishes them again, which does no harm. An issuing CA whose key is elsewhere is a fault of kind Unavailable. Workflows that began before
// each list had an activity of its own call it; the others are commands and the start of a worker.
func (p *Publishing) PublishCRLs(ctx context.Context, in PublishInput) (PublishResult, error) {
	var out PublishResult
	var failed error
	for _, id := range in.Issuers {
		if !slices.ContainsFunc(p.Issuing, func(s CRLSigner) bool { return s.ID() == id }) {
			failed = errors.Join(failed, keyElsewhere())
		}
	}
	for _, signer := range p.Issuing {
		if len(in.Issuers) > 0 && !slices.Contains(in.Issuers, signer.ID()) {
			continue
		}
		crl, err := p.publish(ctx, signer, in.IfDue)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("issuing CA %s: %w", signer.ID(), err))
			continue
		}
		out.Lists = append(out.Lists, listed(crl))
	}
	return out, failed
}

// publish returns the list that is current afterwards.
func (p *Publishing) publish(ctx context.Context, signer CRLSigner, ifDue bool) (order.CRL, error) {
	if err := p.Records.SaveIssuingCA(ctx, signer.Describe()); err != nil {
		return order.CRL{}, err
	}
	now := p.Clock()
	if ifDue {
		last, err := p.Records.CRL(ctx, signer.ID())
		if err == nil && now.Sub(last.ThisUpdate) < p.Policy.At(now).CRLEvery || err != nil && fault.KindOf(err) != fault.NotFound {
			return last, err
		}
	}
	draft, err := p.Records.DraftCRL(ctx, signer.ID(), "", now)
	if err != nil {
		return order.CRL{}, err
	}
	crl, err := signer.CRL(ctx, draft)
	if err != nil {
		return order.CRL{}, err
	}
	err = p.Records.PublishCRL(ctx, crl)
	if errors.Is(err, fault.New(fault.Conflict, "crl.older", "", "")) {
		return p.Records.CRL(ctx, signer.ID()) // another publisher was quicker with a list that says at least as much
	}
	return crl, err
}

func keyElsewhere() error {
	return fault.New(fault.Unavailable, "ca.not-here", "この発行CAの鍵はこのworkerにありません。鍵を持つworkerが再試行で処理します。",
		"This worker does not hold the key of that issuing CA; a worker that does will take the retry.")
}
