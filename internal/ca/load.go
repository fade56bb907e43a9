package ca

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

// Files are the parts of a CA on disk.
type Files struct {
	Key         string // issuing key, PKCS #8 PEM, readable by its owner alone; empty if Config.Signer is given
	Certificate string // issuing certificate, PEM
	Chain       string // its issuers, PEM, ending with the root
}

// maxFile bounds what is read from a key or certificate file, bytes.
const maxFile = 1 << 20

// Load reads the files into cfg and returns the CA that New makes of it.
func Load(f Files, cfg Config) (*CA, error) {
	certs, err := LoadCertificates(f.Certificate)
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 {
		return nil, fmt.Errorf("ca: %s must hold the issuing certificate alone", f.Certificate)
	}
	if cfg.Chain, err = LoadCertificates(f.Chain); err != nil {
		return nil, err
	}
	cfg.Certificate = certs[0]
	if f.Key != "" {
		if cfg.Signer, err = LoadKey(f.Key); err != nil {
			return nil, err
		}
	}
	return New(cfg)
}

// LoadKey reads a private key, PKCS #8 PEM. It refuses a file that anyone but its owner can read or write: a CA key that
// others can copy is compromised already.
func LoadKey(path string) (crypto.Signer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ca: open key: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of the open file, so that it cannot be swapped in between
	if err != nil {
		return nil, fmt.Errorf("ca: open key: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("ca: key file %s has mode %v; only its owner may have access: chmod 600", path, mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("ca: read key: %w", err)
	}
	defer clear(data)
	p, rest := pem.Decode(data)
	if p == nil || p.Type != "PRIVATE KEY" || len(rest) != 0 {
		return nil, fmt.Errorf("ca: %s is not one PKCS #8 private key in PEM", path)
	}
	defer clear(p.Bytes)
	key, err := x509.ParsePKCS8PrivateKey(p.Bytes)
	if err != nil {
		return nil, fmt.Errorf("ca: %s cannot be read as a private key", path) // the cause may quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("ca: the key in %s cannot sign", path)
	}
	return signer, nil
}

// LoadCertificates reads the certificates of a PEM file, in its order; there must be one at least.
func LoadCertificates(path string) ([]*x509.Certificate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ca: open certificates: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("ca: read certificates: %w", err)
	}
	certs, err := ParseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("ca: %s: %w", path, err)
	}
	return certs, nil
}

// ParseCertificates reads the certificates of a PEM text, in its order; there must be one at least and nothing else.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for p, rest := pem.Decode(data); p != nil; p, rest = pem.Decode(rest) {
		if p.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("unexpected PEM block of type %q", p.Type)
		}
		cert, err := x509.ParseCertificate(p.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate found")
	}
	return certs, nil
}
