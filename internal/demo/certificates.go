package demo

import (
	"archive/zip"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// chain reads leaf, issuing CA and root from the PEM that was downloaded, and holds them to the order and the record.
func (c *carried) chain() ([]*x509.Certificate, error) {
	text, err := os.ReadFile(c.path("chain.pem"))
	if err != nil {
		return nil, err
	}
	certs, err := certificatesIn(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("chain.pem: %w", err)
	case len(certs) != 3:
		return nil, fmt.Errorf("chain.pem has %d certificates, not leaf, issuing CA and root", len(certs))
	case !strings.EqualFold(strings.TrimLeft(c.serial, "0"), certs[0].SerialNumber.Text(16)):
		return nil, fmt.Errorf("the certificate has the serial number %s, the record says %s", certs[0].SerialNumber.Text(16), c.serial)
	case !slices.Equal(certs[0].EmailAddresses, []string{c.email()}):
		return nil, fmt.Errorf("the certificate is for %q, the application for %s", certs[0].EmailAddresses, c.email())
	}
	return certs, nil
}

// sameInAllForms checks that each form of the download (G22) holds these certificates, leaf, issuing CA and root, and nothing else.
func (c *carried) sameInAllForms(want []*x509.Certificate) error {
	bundle, err := os.ReadFile(c.path("bundle.txt")) // what OpenSSL found in the .p7b
	if err != nil {
		return err
	}
	inBundle, err := certificatesIn(bundle)
	if err != nil {
		return fmt.Errorf("certificate.p7b: %w", err)
	}
	inArchive, err := c.unzip("certificate.zip")
	if err != nil {
		return fmt.Errorf("certificate.zip: %w", err)
	}
	return errors.Join(same("certificate.p7b", inBundle, want), same("certificate.zip", inArchive, want))
}

// same compares sets: neither form promises an order.
func same(name string, got, want []*x509.Certificate) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s holds %d certificates, not %d", name, len(got), len(want))
	}
	for i, role := range []string{"the certificate itself", "the issuing CA", "the root"} {
		if !slices.ContainsFunc(got, want[i].Equal) {
			return fmt.Errorf("%s does not hold %s", name, role)
		}
	}
	return nil
}

// unzip returns the certificates of the archive's files, each a .crt with one certificate.
func (c *carried) unzip(name string) ([]*x509.Certificate, error) {
	archive, err := zip.OpenReader(c.path(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	var out []*x509.Certificate
	for _, entry := range archive.File {
		certs, err := certificatesOf(entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		if !strings.HasSuffix(entry.Name, ".crt") || len(certs) != 1 {
			return nil, fmt.Errorf("%s is not a .crt file with one certificate", entry.Name)
		}
		out = append(out, certs...)
	}
	return out, nil
}

func certificatesOf(entry *zip.File) ([]*x509.Certificate, error) {
	f, err := entry.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPage))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return certificatesIn(text)
}

// certificatesIn parses the PEM certificates in a text; whatever stands between them is skipped.
func certificatesIn(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, cert)
	}
	return out, nil
}
