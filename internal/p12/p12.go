// Package p12 joins a private key of this machine and the certificates of a download into a PKCS #12 file, as mail clients import it.
// Nothing leaves the machine.
package p12

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"securemailid.example/internal/fault"
)

// MinPassphrase is the shortest passphrase of a file that Join makes, characters.
const MinPassphrase = 8

// iterations slow down the guessing of passphrases; readers take any number.
const iterations = 100_000

// Join returns a PKCS #12 file, DER, with the key, its certificate and the chain to the root as far as the certificates have it: AES-256
// and SHA-256, or with legacy the triple DES and SHA-1 of old readers, which protect the key but weakly. No certificate for the key is a
// fault of kind Invalid, and so is a passphrase that is short or beyond printable ASCII, which readers encode differently.
func Join(key crypto.Signer, certificates []*x509.Certificate, passphrase string, legacy bool) ([]byte, error) {
	if err := checkPassphrase(passphrase); err != nil {
		return nil, err
	}
	leaf, err := certificateOf(key, certificates)
	if err != nil {
		return nil, err
	}
	encoder := pkcs12.Modern.WithIterations(iterations)
	if legacy {
		encoder = pkcs12.Legacy
	}
	file, err := encoder.Encode(key, leaf, chain(leaf, certificates), passphrase)
	if err != nil {
		return nil, fmt.Errorf("encode PKCS #12: %w", err)
	}
	return file, nil
}

func checkPassphrase(s string) error {
	for _, r := range s {
		if r < 0x20 || r > 0x7e {
			return fault.New(fault.Invalid, "p12.passphrase", "パスフレーズには半角の英数字と記号だけを使えます。",
				"A passphrase has printable ASCII characters only.")
		}
	}
	if len(s) < MinPassphrase {
		return fault.New(fault.Invalid, "p12.passphrase", fmt.Sprintf("パスフレーズは %d 文字以上です。", MinPassphrase),
			fmt.Sprintf("A passphrase has %d characters or more.", MinPassphrase))
	}
	return nil
}

// certificateOf finds the certificate of the key.
func certificateOf(key crypto.Signer, certificates []*x509.Certificate) (*x509.Certificate, error) {
	public, ok := key.Public().(interface{ Equal(x crypto.PublicKey) bool })
	for _, c := range certificates {
		if ok && public.Equal(c.PublicKey) {
			return c, nil
		}
	}
	return nil, fault.New(fault.Invalid, "p12.other-key", "秘密鍵と証明書が対になっていません。CSR の作成に使った秘密鍵を指定してください。",
		"The private key is of none of the certificates. Name the key that the CSR was made with.")
}

// chain is the issuers of the leaf in their order, to the root or as far as they are there.
func chain(leaf *x509.Certificate, all []*x509.Certificate) (out []*x509.Certificate) {
	for last := leaf; len(out) < len(all) && !bytes.Equal(last.RawIssuer, last.RawSubject); last = out[len(out)-1] {
		issuer := issuerOf(last, all)
		if issuer == nil {
			break
		}
		out = append(out, issuer)
	}
	return out
}

func issuerOf(c *x509.Certificate, all []*x509.Certificate) *x509.Certificate {
	for _, issuer := range all {
		if bytes.Equal(c.RawIssuer, issuer.RawSubject) && c.CheckSignatureFrom(issuer) == nil {
			return issuer
		}
	}
	return nil
}

// Matches returns the fault of Join for a key that is of none of the certificates.
func Matches(key crypto.Signer, certificates []*x509.Certificate) error {
	_, err := certificateOf(key, certificates)
	return err
}
