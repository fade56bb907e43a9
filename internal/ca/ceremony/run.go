package ceremony

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

// Names of the files that a ceremony leaves in its directory.
const (
	RootKey            = "root.key" // PKCS #8 PEM, mode 0600; take it offline
	RootCertificate    = "root.crt" // PEM
	RootCRL            = "root.crl" // DER, as RFC 5280 4.2.1.13 wants it served
	IssuingKey         = "issuing.key"
	IssuingCertificate = "issuing.crt"
	LogJSON            = "ceremony.json" // written last: with it, the ceremony was completed
	LogMarkdown        = "ceremony.md"
)

// Step is reported as the ceremony goes on; making the keys takes seconds.
type Step struct {
	Number int // 1 to Total
	Total  int
	Text   fault.Text
}

// Result is what a ceremony made.
type Result struct {
	Root    *x509.Certificate
	Issuing *x509.Certificate
	CRL     []byte // of the root, DER
	Log     Log
}

// Run holds the ceremony: it makes both keys, the certificates and the root's first CRL, lints them, and only then writes them
// into dir, keys with mode 0600. It never overwrites: a file of a ceremony that is there already is a fault of kind Conflict
// and nothing is made. progress may be nil.
func Run(ctx context.Context, spec Spec, dir string, clock func() time.Time, rand io.Reader, progress func(Step)) (Result, error) {
	started := clock().UTC().Truncate(time.Second)
	if err := spec.Check(); err != nil {
		return Result{}, err
	}
	if err := prepareDirectory(dir); err != nil {
		return Result{}, err
	}
	report := reporter(progress)
	report("RSA 鍵を 2 組生成しています", "making two RSA key pairs")
	keys, err := generate(ctx, spec, started, rand)
	if err != nil {
		return Result{}, err
	}
	report("証明書と CRL に署名しています", "signing certificates and CRL")
	made, err := certify(spec, keys, started, rand)
	if err != nil {
		return Result{}, err
	}
	report("証明書と CRL を検査しています", "linting certificates and CRL")
	if err := inspect(spec, made); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	report("ファイルと記録を書き込んでいます", "writing files and log")
	if made.Log, err = newLog(spec, made, started, clock().UTC().Truncate(time.Second)); err != nil {
		return Result{}, err
	}
	if err := write(dir, keys, made); err != nil {
		return Result{}, err
	}
	return made, nil
}

func reporter(progress func(Step)) func(ja, en string) {
	const total = 4
	number := 0
	return func(ja, en string) {
		if number++; progress != nil {
			progress(Step{Number: number, Total: total, Text: fault.Text{JA: ja, EN: en}})
		}
	}
}

// keyPairs are the two private keys.
type keyPairs struct{ root, issuing *rsa.PrivateKey }

// generate makes both keys at once, as long as the policy demands of an issuing CA (SBR 6.1.5: 4096 bits).
func generate(ctx context.Context, spec Spec, now time.Time, rand io.Reader) (keyPairs, error) {
	book, ok := policy.Open(spec.Profile)
	if !ok {
		return keyPairs{}, errors.New("ceremony: unknown profile")
	}
	bits := book.At(now).MinIssuingCABits
	var keys keyPairs
	group, ctx := errgroup.WithContext(ctx)
	for _, key := range []**rsa.PrivateKey{&keys.root, &keys.issuing} {
		group.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				*key, err = rsa.GenerateKey(rand, bits)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return keyPairs{}, fmt.Errorf("ceremony: make keys: %w", err)
	}
	return keys, nil
}

// inspect lints what was made before it leaves memory (SBR 4.3.1.2).
func inspect(spec Spec, made Result) error {
	linter, err := lint.New(spec.PolicyOID)
	if err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	var all []lint.Finding
	for _, der := range [][]byte{made.Root.Raw, made.Issuing.Raw} {
		findings, err := linter.CACertificate(der)
		if err != nil {
			return fmt.Errorf("ceremony: %w", err)
		}
		all = append(all, findings...)
	}
	findings, err := linter.CRL(made.CRL)
	if err != nil {
		return fmt.Errorf("ceremony: %w", err)
	}
	if blocking := lint.Blocking(append(all, findings...), true); len(blocking) > 0 {
		return fault.New(fault.Conflict, "lint", "CA 証明書が基準に合いません: "+blocking[0].Lint,
			"The CA certificates would break their profile: "+blocking[0].Lint)
	}
	return nil
}
