package ceremony

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"securemailid.example/internal/fault"
)

// prepareDirectory makes dir if need be and refuses one that holds a ceremony's files.
func prepareDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("ceremony: make directory: %w", err)
	}
	for _, name := range []string{RootKey, RootCertificate, RootCRL, IssuingKey, IssuingCertificate, LogJSON, LogMarkdown} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return errExists(name)
		}
	}
	return nil
}

func errExists(name string) error {
	return fault.New(fault.Conflict, "ceremony.exists",
		name+" が既にあります。鍵と証明書は上書きしません。別のディレクトリを指定してください。",
		name+" is there already. Keys and certificates are never overwritten. Name another directory.")
}

// write stores keys and certificates, and the logs last.
func write(dir string, keys keyPairs, made Result) error {
	rootKey, err := privatePEM(keys.root)
	if err != nil {
		return err
	}
	defer clear(rootKey)
	issuingKey, err := privatePEM(keys.issuing)
	if err != nil {
		return err
	}
	defer clear(issuingKey)
	log, err := json.MarshalIndent(made.Log, "", "  ")
	if err != nil {
		return fmt.Errorf("ceremony: encode log: %w", err)
	}
	for _, f := range []struct {
		name string
		mode fs.FileMode
		data []byte
	}{
		{RootKey, 0o600, rootKey},
		{IssuingKey, 0o600, issuingKey},
		{RootCertificate, 0o644, certificatePEM(made.Root)},
		{IssuingCertificate, 0o644, certificatePEM(made.Issuing)},
		{RootCRL, 0o644, made.CRL},
		{LogMarkdown, 0o644, []byte(made.Log.Markdown())},
		{LogJSON, 0o644, append(log, '\n')},
	} {
		if err := writeNew(dir, f.name, f.mode, f.data); err != nil {
			return err
		}
	}
	return nil
}

// writeNew puts a complete file in place or none at all: it is written beside, synced, and linked to its name, which fails if the name is
// taken, whoever took it in the meantime.
func writeNew(dir, name string, mode fs.FileMode, data []byte) (err error) {
	f, err := os.CreateTemp(dir, "."+name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("ceremony: write %s: %w", name, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("ceremony: write %s: %w", name, err)
	}
	switch err := os.Link(f.Name(), filepath.Join(dir, name)); {
	case errors.Is(err, fs.ErrExist):
		return errExists(name)
	case err != nil:
		return fmt.Errorf("ceremony: write %s: %w", name, err)
	}
	return syncDirectory(dir)
}

// syncDirectory makes the new name durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("ceremony: sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("ceremony: sync directory: %w", err)
	}
	return nil
}

func privatePEM(key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("ceremony: encode key: %w", err)
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func certificatePEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}
