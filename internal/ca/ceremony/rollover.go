package ceremony

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/fault"
)

// Rollover makes the next issuing CA under the root that is in dir, by the same reviewed file: what it says of the root must be what the
// root is. The new one gets a key and a name of its own, so that its certificates and CRLs cannot be taken for the old one's. rootKey is
// the root's key, a file or a PKCS #11 URI; empty: the one in dir. Like Run it never overwrites; its lines are added to dir's log, which
// must verify.
func Rollover(ctx context.Context, spec Spec, dir, rootKey string, clock func() time.Time, rand io.Reader, progress func(Step)) (made Result, err error) {
	started := clock().UTC().Truncate(time.Second)
	if err := spec.Check(); err != nil {
		return Result{}, err
	}
	ring := &hsm.Ring{}
	defer func() { err = errors.Join(err, ring.Close()) }()
	before, err := survey(dir, spec, started)
	if err != nil {
		return Result{}, err
	}
	signer, err := openRootKey(dir, rootKey, before.root, ring)
	if err != nil {
		return Result{}, err
	}
	bits, err := keyBits(spec, started)
	if err != nil {
		return Result{}, err
	}
	report := reporter(progress)
	report("RSA 鍵を生成しています", "making an RSA key pair")
	key, err := makeKey(ctx, before.next(), spec.Issuing.HSM, bits, rand, ring)
	if err != nil {
		return Result{}, err
	}
	report("証明書に署名しています", "signing the certificate")
	made.Root = before.root
	if made.Issuing, err = newIssuing(spec, before.root, key.Public(), signer, started, rand); err != nil {
		return Result{}, discard(err, key)
	}
	report("証明書を検査しています", "linting the certificate")
	if err := errors.Join(inspect(spec, made), ctx.Err()); err != nil {
		return Result{}, discard(err, key)
	}
	report("ファイルと記録を書き込んでいます", "writing files and log")
	if made.Log, err = newLog("ca rollover", spec, started, clock); err != nil {
		return Result{}, discard(err, key)
	}
	made.Log.Found = before.unlogged
	made.Log.Made = []Made{entry(before.next()+".crt", key.place, made.Issuing)}
	defer clear(key.file.data)
	return made, write(dir, made.Log, fmt.Sprintf("ceremony-%d.md", before.generation), []file{key.file, certificateFile(before.next()+".crt", made.Issuing)})
}

// state is what a rollover finds.
type state struct {
	root       *x509.Certificate
	generation int    // of the issuing CA to be made
	unlogged   []Made // certificates of a directory that has no log yet
}

func (s state) next() string { return issuingName(s.generation) }

// survey reads the directory and checks that the file fits it.
func survey(dir string, spec Spec, now time.Time) (state, error) {
	root, err := one(dir, RootCertificate)
	if err != nil {
		return state{}, err
	}
	s := state{root: root}
	switch least := now.AddDate(3, 0, 0); {
	case root.Subject.String() != spec.Root.Subject.name().String():
		return s, unfit("root.subject", "設定のルート CA が、ディレクトリのルート証明書と異なります。", "The root of the file is not the root of the directory.")
	case root.NotAfter.Before(least):
		return s, unfit("root", "ルート CA の残り期間が 3 年未満です。新しいルートが必要です。", "The root ends within three years: a new root is needed.")
	}
	names, err := IssuingCAs(dir)
	if err != nil {
		return s, err
	}
	logged, err := loggedFiles(dir)
	if err != nil {
		return s, err
	}
	if logged == nil {
		s.unlogged = append(s.unlogged, entry(RootCertificate, "", root))
	}
	for _, name := range names {
		cert, err := one(dir, name+".crt")
		if err != nil {
			return s, err
		}
		if err := differs(cert, spec); err != nil {
			return s, err
		}
		if logged == nil {
			s.unlogged = append(s.unlogged, entry(name+".crt", "", cert))
		}
	}
	s.generation = generationOf(names[len(names)-1]) + 1
	return s, nil
}

// differs holds that the new issuing CA has another name than an earlier one, and the same policy: workers issue under one.
func differs(before *x509.Certificate, spec Spec) error {
	if before.Subject.String() == spec.Issuing.Subject.name().String() {
		return unfit("issuing.subject", "以前の発行 CA と異なる名称 (common_name に番号や年を付けるなど) が必要です。",
			"It must differ from the earlier issuing CA's; add a number or a year to common_name.")
	}
	for _, oid := range before.Policies {
		if oid.String() == spec.PolicyOID {
			return nil
		}
	}
	return unfit("policy_oid", "以前の発行 CA と同じポリシー OID が必要です。", "It must be the policy OID of the earlier issuing CA.")
}

func unfit(path, ja, en string) error {
	return fault.InvalidFields([]fault.Field{{Path: path, Code: "ceremony.unfit", Rule: fault.Text{JA: ja, EN: en}, Remedy: fault.Text{
		JA: "設定ファイルとディレクトリを確認してください。", EN: "Look at the file and the directory again.",
	}}})
}

// openRootKey opens the root's key and holds that it is the root's.
func openRootKey(dir, ref string, root *x509.Certificate, ring *hsm.Ring) (key crypto.Signer, err error) {
	switch {
	case ref == "":
		key, err = OpenKey(dir, "root", hsm.URI{}, ring)
	case strings.HasPrefix(ref, hsm.Scheme):
		var u hsm.URI
		if u, err = hsm.ParseURI(ref); err == nil {
			key, err = openHSM(ring, u)
		}
	default:
		key, err = ca.LoadKey(ref)
	}
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	if public, ok := key.Public().(*rsa.PublicKey); !ok || !public.Equal(root.PublicKey) {
		return nil, fault.New(fault.Invalid, "ceremony.root-key", "ルート証明書の鍵ではありません。", "This is not the key of the root certificate.")
	}
	return key, nil
}

// one reads a file with one certificate.
func one(dir, name string) (*x509.Certificate, error) {
	certs, err := ca.LoadCertificates(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 {
		return nil, fmt.Errorf("ceremony: %s must hold one certificate alone", name)
	}
	return certs[0], nil
}
