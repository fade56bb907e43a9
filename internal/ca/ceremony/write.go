package ceremony

import (
	"crypto/x509"
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
	for _, name := range []string{RootKey, "root.uri", RootCertificate, RootCRL, IssuingKey, "issuing.uri", IssuingCertificate, LogMarkdown, LogFile, legacyLog} {
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

// write stores keys and certificates, then the page for people, and the log last.
func write(dir string, l Log, page string, files []file) error {
	for _, f := range append(files, file{page, 0o644, []byte(l.Markdown())}) {
		if err := writeNew(dir, f); err != nil {
			return err
		}
	}
	return appendLog(dir, l)
}

// writeNew puts a complete file in place or none at all: it is written beside, synced, and linked to its name, which fails if the name is
// taken, whoever took it in the meantime.
func writeNew(dir string, f file) error {
	return place(dir, f, func(temporary, final string) error {
		err := os.Link(temporary, final)
		if errors.Is(err, fs.ErrExist) {
			return errExists(f.name)
		}
		return errors.Join(err, os.Remove(temporary))
	})
}

// replace puts a complete file in the place of another.
func replace(dir string, f file) error { return place(dir, f, os.Rename) }

// place writes and syncs a temporary file, and has put give it its name.
func place(dir string, f file, put func(temporary, final string) error) error {
	t, err := os.CreateTemp(dir, "."+f.name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("ceremony: write %s: %w", f.name, err)
	}
	_, werr := t.Write(f.data)
	err = errors.Join(werr, t.Chmod(f.mode), t.Sync(), t.Close())
	if err == nil {
		err = put(t.Name(), filepath.Join(dir, f.name))
	}
	if err != nil {
		_ = os.Remove(t.Name())
		return fmt.Errorf("ceremony: write %s: %w", f.name, err)
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

func certificateFile(name string, cert *x509.Certificate) file {
	return file{name, 0o644, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})}
}
