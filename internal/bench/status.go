package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

const (
	statusRounds  = 10
	statusClients = 8    // connections to each server
	statusAsked   = 8000 // kept answers in a round
	statusMany    = 4000 // certificates whose answers are all kept
	statusSigned  = 600  // first answers in a round
	statusLists   = 1500 // long lists in a round
	statusRevoked = 5000 // certificates on a long list
)

// measureStatus compares what certificates point to, OCSP and CRL, with a plain file server that serves files of the same bytes, asked by
// the same clients. An OCSP answer that has to be made is compared with its signature alone.
func measureStatus(ctx context.Context, _ settings, t *table) (err error) {
	p, err := openPKI(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, measure := range []func(context.Context, *table) error{p.measureOCSP, p.measureFirst, p.measureUnknown, p.measureCRL} {
		if err := measure(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// measureOCSP asks for answers that are kept.
func (p *pki) measureOCSP(ctx context.Context, t *table) error {
	few, err := p.requests(ctx, 4)
	if err != nil {
		return err
	}
	many, err := p.requests(ctx, statusMany)
	if err != nil {
		return err
	}
	for _, row := range []struct {
		what  string
		asked [][]byte
		again bool // with the entity tag of the answer
		by    func(der []byte) []byte
	}{
		{what: "OCSP by POST, 4 certificates, kept answers", asked: few, by: post},
		{what: "OCSP by GET, 4 certificates, kept answers", asked: few, by: get},
		{what: "OCSP by GET, 4 certificates, not modified", asked: few, by: get, again: true},
		{what: fmt.Sprintf("OCSP by POST, %d certificates, kept answers", statusMany), asked: many, by: post},
	} {
		requests := make([][]byte, len(row.asked))
		for i, der := range row.asked {
			requests[i] = row.by(der)
		}
		c, err := p.besideFiles(ctx, requests, row.again, statusAsked)
		if err != nil {
			return fmt.Errorf("%s: %w", row.what, err)
		}
		t.compared(row.what+" / file server", "answers", c, 0.5)
	}
	return nil
}

// requests asks about n certificates of their own.
func (p *pki) requests(ctx context.Context, n int) ([][]byte, error) {
	serials, err := p.certificates(ctx, n)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, n)
	for i, serial := range serials {
		if out[i], err = p.request(serial); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// measureFirst asks about certificates that nobody has asked about before, beside the signatures alone.
func (p *pki) measureFirst(ctx context.Context, t *table) error {
	var asked [][]byte
	ours := side{
		prepare: func(ctx context.Context) (err error) {
			asked, err = p.requests(ctx, statusSigned)
			return err
		},
		do: func(ctx context.Context) (float64, error) {
			return each(ctx, statusSigned, statusClients, func(_ context.Context, i int) error {
				r, size, err := p.portal.ask(post(asked[i]), false)
				if err == nil && (r.status != http.StatusOK || size < 500) {
					err = fmt.Errorf("answered %d with %d bytes", r.status, size)
				}
				return err
			})
		},
	}
	bare := side{do: func(ctx context.Context) (float64, error) {
		return each(ctx, statusSigned, statusClients, func(_ context.Context, i int) error {
			sum := sha256.Sum256(fmt.Append(nil, i))
			_, err := p.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
			return err
		})
	}}
	c, err := takeTurns(ctx, statusRounds, ours, bare, p.record.postmaster)
	t.compared("OCSP, first answers with their signature / bare signature", "answers", c, 0.7)
	return err
}

// measureUnknown asks about serial numbers that strangers make up.
func (p *pki) measureUnknown(ctx context.Context, t *table) error {
	requests := make([][]byte, statusMany)
	for i := range requests {
		der, err := p.request(fmt.Sprintf("6%x", sha256.Sum256(fmt.Append(nil, i)))[:32])
		if err != nil {
			return err
		}
		requests[i] = post(der)
	}
	c, err := p.besideFiles(ctx, requests, false, statusMany)
	t.compared("OCSP, serial numbers that nobody was given / file server", "answers", c, 0)
	return err
}

// measureCRL asks for a list without entries and for a long one.
func (p *pki) measureCRL(ctx context.Context, t *table) error {
	for _, row := range []struct {
		revoked int
		again   bool
		n       int
	}{
		{0, false, statusAsked}, {statusRevoked, false, statusLists}, {statusRevoked, true, statusAsked},
	} {
		if row.revoked > 0 && !row.again {
			if err := p.revoke(ctx, row.revoked); err != nil {
				return err
			}
		}
		what := fmt.Sprintf("CRL of %d entries", row.revoked)
		if row.again {
			what += ", not modified"
		}
		c, err := p.besideFiles(ctx, [][]byte{fetch(p.listPath())}, row.again, row.n)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		t.compared(what+" / file server", "lists", c, 0.8)
	}
	return nil
}

// besideFiles sends the requests in turn, n in all, to the portal, and as many to the file server for files of the same bytes. With again
// both are asked whether the answer has changed: the portal by its entity tag, the file server, which has none, by time.
func (p *pki) besideFiles(ctx context.Context, requests [][]byte, again bool, n int) (comparison, error) {
	ours, theirs := make([]question, len(requests)), make([]question, len(requests))
	for i, request := range requests {
		known, _, err := p.portal.ask(request, true)
		if err != nil || known.status != http.StatusOK {
			return comparison{}, fmt.Errorf("answered %d: %w", known.status, err)
		}
		// A type that the file server knows by the name, so that it need not look into the file.
		name := fmt.Sprintf("%d.pdf", i)
		if err := os.WriteFile(filepath.Join(p.dir, name), known.body, 0o600); err != nil {
			return comparison{}, err
		}
		ours[i] = question{request, http.StatusOK, int64(len(known.body))}
		theirs[i] = question{fetch("/" + name), http.StatusOK, int64(len(known.body))}
		if again {
			ours[i] = question{with(request, "If-None-Match: "+known.header.Get("Etag")), http.StatusNotModified, 0}
			file, _, err := p.files.ask(theirs[i].request, true)
			if err != nil {
				return comparison{}, err
			}
			theirs[i] = question{with(theirs[i].request, "If-Modified-Since: "+file.header.Get("Last-Modified")), http.StatusNotModified, 0}
		}
	}
	turn := func(c *asker, questions []question) side {
		return side{do: func(ctx context.Context) (float64, error) {
			return each(ctx, n, statusClients, func(_ context.Context, i int) error { return c.put(questions[i%len(questions)]) })
		}}
	}
	return takeTurns(ctx, statusRounds, turn(p.portal, ours), turn(p.files, theirs), p.record.postmaster)
}
