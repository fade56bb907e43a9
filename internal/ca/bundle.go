package ca

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/smallstep/pkcs7"

	"securemailid.example/internal/order"
)

// PKCS7 returns one certs-only PKCS #7 bundle, DER (.p7b): the certificate, its issuing CA and the root, in this order. G22 speaks
// of all certificates; a private root has to reach the mail client somehow.
func PKCS7(leaf []byte, issuer order.IssuingCA) ([]byte, error) {
	bundle, err := pkcs7.DegenerateCertificate(bytes.Join(chainOf(leaf, issuer), nil))
	if err != nil {
		return nil, fmt.Errorf("build PKCS #7 bundle: %w", err)
	}
	return bundle, nil
}

// ZIP returns the same certificates as .crt files, PEM, in an archive (G22). The names sort from the certificate to the root and hold nothing
// of the applicant. The same certificates give the same archive, byte for byte.
func ZIP(leaf []byte, issuer order.IssuingCA) ([]byte, error) {
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, fmt.Errorf("build archive: %w", err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	ders := chainOf(leaf, issuer)
	for i, der := range ders {
		if err := addFile(w, fileName(i, len(ders)), cert.NotBefore, block(der)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("build archive: %w", err)
	}
	return out.Bytes(), nil
}

// PEM returns the same certificates as one PEM text.
func PEM(leaf []byte, issuer order.IssuingCA) []byte {
	var out bytes.Buffer
	for _, der := range chainOf(leaf, issuer) {
		out.Write(block(der))
	}
	return out.Bytes()
}

func chainOf(leaf []byte, issuer order.IssuingCA) [][]byte {
	return append([][]byte{leaf, issuer.DER}, issuer.Chain...)
}

func block(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func fileName(i, total int) string {
	switch i {
	case 0:
		return "1-certificate.crt"
	case total - 1:
		return fmt.Sprintf("%d-root-ca.crt", total)
	default:
		return fmt.Sprintf("%d-issuing-ca.crt", i+1)
	}
}

func addFile(w *zip.Writer, name string, modified time.Time, content []byte) error {
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modified.UTC()})
	if err != nil {
		return fmt.Errorf("add %s to archive: %w", name, err)
	}
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("add %s to archive: %w", name, err)
	}
	return nil
}
