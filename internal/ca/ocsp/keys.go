package ocsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/fault"
)

// ensureSigner sees to it that the issuer has a signer that lives long enough: the one on disk, or a new key for which the CA is asked for a
// certificate. The key never leaves this machine; the certificate lies in the record.
func (r *Responder) ensureSigner(ctx context.Context, i *issuer) error {
	now := r.Clock()
	renew := r.Rules.At(now).OCSPSignerRenew
	if i.signer.Load() == nil {
		s, err := r.onDisk(ctx, i, r.keyFile(i, ""))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err == nil {
			i.signer.Store(s)
		}
	}
	if s := i.signer.Load(); s != nil && now.Add(renew).Before(s.cert.NotAfter) {
		return nil
	}
	return r.renewSigner(ctx, i)
}

// renewSigner makes a key, has it certified, and answers with it from then on. Cut off in between, it goes on with the same key.
func (r *Responder) renewSigner(ctx context.Context, i *issuer) error {
	next := r.keyFile(i, ".next")
	key, err := ca.LoadKey(next)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(next)
	}
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSA}, key)
	if err != nil {
		return err
	}
	if err := r.Certify(ctx, i.id, request); err != nil {
		return fmt.Errorf("have the OCSP key certified: %w", err)
	}
	s, err := r.onDisk(ctx, i, next)
	if err != nil {
		return err
	}
	if !r.Clock().Before(s.cert.NotAfter) {
		return errors.Join(errors.New("the certificate of the next OCSP key has expired before it was used"), os.Remove(next))
	}
	if err := os.Rename(next, r.keyFile(i, "")); err != nil {
		return err
	}
	i.signer.Store(s)
	r.Logger.InfoContext(ctx, "OCSP signer renewed", "issuer", i.id, "until", s.cert.NotAfter.UTC().Format(time.RFC3339))
	return nil
}

func (r *Responder) keyFile(i *issuer, suffix string) string {
	return filepath.Join(r.Dir, i.id+suffix+".key")
}

// onDisk returns the signer whose key lies in the file; without a certificate in the record it is NotFound.
func (r *Responder) onDisk(ctx context.Context, i *issuer, file string) (*signer, error) {
	key, err := ca.LoadKey(file)
	if err != nil {
		return nil, err
	}
	hash, err := fingerprint(key.Public())
	if err != nil {
		return nil, err
	}
	rc, err := r.Records.Responder(ctx, i.id, hash)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(rc.DER)
	if err != nil {
		return nil, fmt.Errorf("stored OCSP certificate: %w", err)
	}
	if err := checkSigner(cert, i, key.Public()); err != nil {
		return nil, err
	}
	return &signer{key: key, cert: cert}, nil
}

// checkSigner refuses a certificate whose answers clients would refuse (RFC 6960 4.2.2.2).
func checkSigner(cert *x509.Certificate, i *issuer, key crypto.PublicKey) error {
	if err := cert.CheckSignatureFrom(i.cert); err != nil {
		return fmt.Errorf("OCSP certificate: %w", err)
	}
	held, err := x509.MarshalPKIXPublicKey(key)
	if err != nil || !bytes.Equal(held, cert.RawSubjectPublicKeyInfo) {
		return errors.New("OCSP certificate: it is for another key")
	}
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning {
		return errors.New("OCSP certificate: it is not for OCSP signing")
	}
	return nil
}

// makeKey makes an RSA-2048 key, which every client of S/MIME certificates can verify, and keeps it for its owner alone.
func makeKey(file string) (crypto.Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(file))
	}
	return key, nil
}
