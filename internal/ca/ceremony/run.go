package ceremony

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

// Names of the files that "starter ca init" leaves in its directory. A key that was made in an HSM leaves its PKCS #11 URI in a file
// ending in .uri instead of .key. Rollovers add issuing-2.key, issuing-2.crt, ceremony-2.md and so on (layout.go), and lines to the log.
const (
	RootKey            = "root.key" // PKCS #8 PEM, mode 0600; take it offline
	RootCertificate    = "root.crt" // PEM
	RootCRL            = "root.crl" // DER, as RFC 5280 4.2.1.13 wants it served
	IssuingKey         = "issuing.key"
	IssuingCertificate = "issuing.crt"
	LogMarkdown        = "ceremony.md"
	LogFile            = "ceremony.log" // written last: with it, the ceremony was completed
)

// Step is reported as the ceremony goes on; making the keys takes seconds.
type Step struct {
	Number int // 1 to Total
	Total  int
	Text   fault.Text
}

// Steps is how many a ceremony has.
const Steps = 4

// Result is what a ceremony made.
type Result struct {
	Root    *x509.Certificate // of a rollover: the root that was there
	Issuing *x509.Certificate
	CRL     []byte // of the root, DER; nil for a rollover
	Log     Log
}

// Run holds the ceremony: it makes both keys, the certificates and the root's first CRL, lints them, and only then writes them
// into dir, keys with mode 0600. It never overwrites: a file of a ceremony that is there already is a fault of kind Conflict
// and nothing is made. A key that was made in an HSM is deleted there if the ceremony fails. progress may be nil.
func Run(ctx context.Context, spec Spec, dir string, clock func() time.Time, rand io.Reader, progress func(Step)) (made Result, err error) {
	started := clock().UTC().Truncate(time.Second)
	if err := spec.Check(); err != nil {
		return Result{}, err
	}
	if err := prepareDirectory(dir); err != nil {
		return Result{}, err
	}
	ring := &hsm.Ring{}
	defer func() { err = errors.Join(err, ring.Close()) }()
	report := reporter(progress)
	report("RSA 鍵を 2 組生成しています", "making two RSA key pairs")
	root, issuing, err := makeKeys(ctx, spec, started, rand, ring)
	if err != nil {
		return Result{}, discard(err, root, issuing)
	}
	report("証明書と CRL に署名しています", "signing certificates and CRL")
	made, err = certify(spec, root, issuing, started, rand)
	if err != nil {
		return Result{}, discard(err, root, issuing)
	}
	report("証明書と CRL を検査しています", "linting certificates and CRL")
	if err := errors.Join(inspect(spec, made), ctx.Err()); err != nil {
		return Result{}, discard(err, root, issuing)
	}
	report("ファイルと記録を書き込んでいます", "writing files and log")
	if made.Log, err = newLog("ca init", spec, started, clock); err != nil {
		return Result{}, discard(err, root, issuing)
	}
	made.Log.Made = []Made{
		entry(RootCertificate, root.place, made.Root), entry(IssuingCertificate, issuing.place, made.Issuing),
		{File: RootCRL, SHA256: digest(made.CRL), NotBefore: started, NotAfter: started.AddDate(0, 0, spec.Root.CRLValidityDays)},
	}
	defer clear(root.file.data)
	defer clear(issuing.file.data)
	return made, write(dir, made.Log, LogMarkdown, []file{
		root.file, issuing.file, certificateFile(RootCertificate, made.Root), certificateFile(IssuingCertificate, made.Issuing), {RootCRL, 0o644, made.CRL},
	})
}

func reporter(progress func(Step)) func(ja, en string) {
	number := 0
	return func(ja, en string) {
		if number++; progress != nil {
			progress(Step{Number: number, Total: Steps, Text: fault.Text{JA: ja, EN: en}})
		}
	}
}

// makeKeys makes both keys at once, as long as the policy demands of an issuing CA (SBR 6.1.5: 4096 bits). With an error it still returns
// the key that was made.
func makeKeys(ctx context.Context, spec Spec, now time.Time, rand io.Reader, ring *hsm.Ring) (root, issuing newKey, err error) {
	bits, err := keyBits(spec, now)
	if err != nil {
		return newKey{}, newKey{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		root, err = makeKey(ctx, "root", spec.Root.HSM, bits, rand, ring)
		return err
	})
	group.Go(func() (err error) {
		issuing, err = makeKey(ctx, issuingName(1), spec.Issuing.HSM, bits, rand, ring)
		return err
	})
	err = group.Wait()
	return root, issuing, err
}

func keyBits(spec Spec, now time.Time) (int, error) {
	book, ok := policy.Open(spec.Profile)
	if !ok {
		return 0, errors.New("ceremony: unknown profile")
	}
	return book.At(now).MinIssuingCABits, nil
}

// certify signs the root by itself, the issuing CA by the root, and the root's first CRL.
func certify(spec Spec, rootKey, issuingKey newKey, now time.Time, rand io.Reader) (Result, error) {
	root, err := newRoot(spec.Root, rootKey.Signer, now, rand)
	if err != nil {
		return Result{}, err
	}
	issuing, err := newIssuing(spec, root, issuingKey.Public(), rootKey.Signer, now, rand)
	if err != nil {
		return Result{}, err
	}
	crl, err := newRootCRL(spec.Root, root, rootKey.Signer, now, rand)
	return Result{Root: root, Issuing: issuing, CRL: crl}, err
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
	if made.CRL != nil {
		findings, err := linter.CRL(made.CRL)
		if err != nil {
			return fmt.Errorf("ceremony: %w", err)
		}
		all = append(all, findings...)
	}
	if blocking := lint.Blocking(all, true); len(blocking) > 0 {
		return fault.New(fault.Conflict, "lint", "CA 証明書が基準に合いません: "+blocking[0].Lint,
			"The CA certificates would break their profile: "+blocking[0].Lint)
	}
	return nil
}
