// Package ocsp is the OCSP responder (RFC 6960, in the profile of RFC 5019): it says of each certificate in the record whether it is revoked.
// Answers are signed when they are first asked for and kept until they grow old or the certificate's status changes; so what is asked
// for again costs no signature and no query, and is answered while the record and Temporal are away.
package ocsp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Records is what the responder reads. What does not exist is a fault of kind NotFound.
type Records interface {
	// IssuingCAs returns every issuing CA.
	IssuingCAs(ctx context.Context) ([]order.IssuingCA, error)
	// Responder returns the certificate of an OCSP signer by the SHA-256 of its SubjectPublicKeyInfo.
	Responder(ctx context.Context, issuer string, key []byte) (order.ResponderCertificate, error)
	// CertificateStatus returns whether the certificate is revoked; NotFound for one that was never issued.
	CertificateStatus(ctx context.Context, issuer, serial string) (order.CertificateStatus, error)
	// StatusChanges returns what has changed since the moment, and the moment to ask from next time. The same change may come again.
	StatusChanges(ctx context.Context, since time.Time) ([]order.CertificateStatus, time.Time, error)
}

// Config is what a responder is made of. All fields without a stated default are required.
type Config struct {
	Records Records
	// Certify asks the issuing CA to certify the key of a signing request, DER; the certificate is in the record afterwards.
	Certify func(ctx context.Context, issuer string, request []byte) error
	Dir     string // of the keys, for the responder's eyes only
	Rules   policy.Book
	Clock   func() time.Time
	Logger  *slog.Logger
	Poll    time.Duration // between two looks for status changes; default 5 s
	Tend    time.Duration // between two looks after signers and issuers; default 5 min
	Kept    int           // answers in memory; default 50,000, some 100 MB
}

// Responder answers OCSP requests. It is safe for concurrent use; Run keeps it up to date.
type Responder struct {
	Config

	issuers atomic.Pointer[map[issuerID]*issuer]
	flight  singleflight.Group
	lookups chan struct{} // bounds what strangers can have looked up at a time

	mu      sync.RWMutex
	answers map[certID]*answer
}

// maxLookups is how many certificates are looked up and signed for at a time: fewer than the record has connections.
const maxLookups = 8

// New returns a responder that knows nobody yet.
func New(c Config) (*Responder, error) {
	if c.Records == nil || c.Certify == nil || c.Dir == "" || c.Clock == nil || c.Logger == nil {
		return nil, errors.New("ocsp: records, certify, directory, clock and logger must be given")
	}
	if c.Poll == 0 {
		c.Poll = 5 * time.Second
	}
	if c.Tend == 0 {
		c.Tend = 5 * time.Minute
	}
	if c.Kept == 0 {
		c.Kept = 50_000
	}
	r := &Responder{Config: c, lookups: make(chan struct{}, maxLookups), answers: map[certID]*answer{}}
	r.issuers.Store(&map[issuerID]*issuer{})
	return r, nil
}

// Run keeps issuers, signers and answers up to date until ctx ends. What fails is logged and tried again; meanwhile the responder goes on
// with what it has.
func (r *Responder) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { r.tend(ctx) })
	poll := time.NewTicker(r.Poll)
	defer poll.Stop()
	var since time.Time
	for {
		next, err := r.forgetChanged(ctx, since)
		switch {
		case err == nil:
			since = next
		case ctx.Err() == nil:
			r.Logger.WarnContext(ctx, "OCSP: status changes cannot be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// retry is how soon a responder that cannot answer for an issuer looks again.
const retry = 5 * time.Second

// tend looks after issuers and signers: soon again after a failure, so that a responder whose CA is away for a moment is not long without.
func (r *Responder) tend(ctx context.Context) {
	for {
		wait := r.Tend
		if err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "OCSP: issuers and signers are not up to date", "error", fault.Detail(err))
		}
		if !r.Ready() {
			wait = min(wait, retry)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Refresh reads the issuing CAs and gives each a signer. An issuing CA that has expired is answered for no more.
func (r *Responder) Refresh(ctx context.Context) error {
	all, err := r.Records.IssuingCAs(ctx)
	if err != nil {
		return err
	}
	known, next := *r.issuers.Load(), map[issuerID]*issuer{}
	var failed error
	for _, c := range all {
		i, err := newIssuer(c)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if r.Clock().After(i.cert.NotAfter) {
			continue
		}
		if before, ok := known[i.names[0]]; ok {
			i = before
		}
		for _, name := range i.names {
			next[name] = i
		}
	}
	r.issuers.Store(&next)
	for name, i := range next {
		if name == i.names[0] {
			failed = errors.Join(failed, r.ensureSigner(ctx, i))
		}
	}
	return failed
}

// forgetChanged drops the answers that say something else than the record does now.
func (r *Responder) forgetChanged(ctx context.Context, since time.Time) (time.Time, error) {
	changed, next, err := r.Records.StatusChanges(ctx, since)
	if err != nil {
		return since, err
	}
	issuers := *r.issuers.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changed {
		for name, i := range issuers {
			id := certID{name, c.Serial}
			if a, ok := r.answers[id]; ok && i.id == c.Issuer && !same(a.status, c) {
				delete(r.answers, id)
			}
		}
	}
	return next, nil
}

func same(a, b order.CertificateStatus) bool {
	return a.RevokedAt.Equal(b.RevokedAt) && a.Reason == b.Reason
}

// Ready reports whether every issuing CA that is known has a signer.
func (r *Responder) Ready() bool {
	issuers := *r.issuers.Load()
	for _, i := range issuers {
		if i.usable(r.Clock()) == nil {
			return false
		}
	}
	return len(issuers) > 0
}
