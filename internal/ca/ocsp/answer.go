package ocsp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"golang.org/x/crypto/ocsp"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// answer is a signed response with what HTTP says of it.
type answer struct {
	der        []byte
	status     order.CertificateStatus
	thisUpdate time.Time
	nextUpdate time.Time
	refreshAt  time.Time // from then on it is signed anew

	etag, modified, expires []string // header values, made once
}

// errUnauthorized is for what this responder cannot speak of: another CA's certificate, or one that was never issued. RFC 5019 2.2.3 has
// "unauthorized" for both; it is unsigned, so a stranger who makes up numbers costs no signature, and it is never "good" (SBR 4.9.10).
var errUnauthorized = errors.New("not a certificate that this responder answers for")

// staleMargin is how long before its end a kept answer is no longer given out when it cannot be signed anew.
const staleMargin = time.Minute

// lookupTimeout bounds one look into the record with its signature (SBR 4.10.2: an answer within 10 s).
const lookupTimeout = 5 * time.Second

// find returns the answer for the certificate: the one that is kept while it is fresh, else a new one. Without record or signer a kept one
// serves as long as it is valid.
func (r *Responder) find(ctx context.Context, id certID) (*answer, error) {
	i, ok := (*r.issuers.Load())[id.issuer]
	if !ok {
		return nil, errUnauthorized
	}
	r.mu.RLock()
	kept := r.answers[id]
	r.mu.RUnlock()
	now := r.Clock()
	if kept != nil && now.Before(kept.refreshAt) {
		return kept, nil
	}
	// Whoever asks first pays for all that ask at the same time, and must not take it away from them by leaving.
	key := fmt.Sprint(id.issuer.hash, i.id, id.serial)
	fresh, err, _ := r.flight.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		return r.make(ctx, i, id)
	})
	if err == nil {
		a, _ := fresh.(*answer)
		return a, nil
	}
	if kept != nil && !errors.Is(err, errUnauthorized) && now.Before(kept.nextUpdate.Add(-staleMargin)) {
		r.Logger.WarnContext(ctx, "OCSP: an older answer is given, no new one can be made", "error", err)
		return kept, nil
	}
	return nil, err
}

// make reads the certificate's status and signs an answer.
func (r *Responder) make(ctx context.Context, i *issuer, id certID) (*answer, error) {
	select {
	case r.lookups <- struct{}{}:
		defer func() { <-r.lookups }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	status, err := r.Records.CertificateStatus(ctx, i.id, id.serial)
	if fault.KindOf(err) == fault.NotFound {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	a, err := r.sign(i, id, status)
	if err != nil {
		return nil, err
	}
	r.keep(id, a)
	return a, nil
}

// sign signs what the record says. The answer ends before its signer does.
func (r *Responder) sign(i *issuer, id certID, status order.CertificateStatus) (*answer, error) {
	now := r.Clock()
	s := i.usable(now)
	if s == nil {
		return nil, errors.New("the issuing CA has not certified a signer")
	}
	rules := r.Rules.At(now)
	a := &answer{status: status, thisUpdate: now.UTC().Truncate(time.Minute)} // whole minutes, as producedAt is
	a.nextUpdate, a.refreshAt = a.thisUpdate.Add(rules.OCSPValidity), a.thisUpdate.Add(rules.OCSPRefresh)
	if end := s.cert.NotAfter.Truncate(time.Second); a.nextUpdate.After(end) {
		a.nextUpdate, a.refreshAt = end, a.thisUpdate.Add(end.Sub(a.thisUpdate)/2)
	}
	serial, _ := new(big.Int).SetString(id.serial, 16) // written by parseRequest
	template := ocsp.Response{
		Status: ocsp.Good, SerialNumber: serial, ThisUpdate: a.thisUpdate, NextUpdate: a.nextUpdate, Certificate: s.cert, IssuerHash: id.issuer.hash,
	}
	if !status.RevokedAt.IsZero() {
		template.Status, template.RevokedAt, template.RevocationReason = ocsp.Revoked, status.RevokedAt.Truncate(time.Second), int(status.Reason)
	}
	var err error
	if a.der, err = ocsp.CreateResponse(i.cert, s.cert, template, s.key); err != nil {
		return nil, fmt.Errorf("sign OCSP response: %w", err)
	}
	sum := sha256.Sum256(a.der)
	a.etag = []string{`"` + hex.EncodeToString(sum[:16]) + `"`}
	a.modified, a.expires = []string{a.thisUpdate.Format(http.TimeFormat)}, []string{a.nextUpdate.UTC().Format(http.TimeFormat)}
	return a, nil
}

// keep remembers an answer; where there is no more room, another one goes.
func (r *Responder) keep(id certID, a *answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= r.Kept {
		for other := range r.answers {
			delete(r.answers, other)
			break
		}
	}
	r.answers[id] = a
}
