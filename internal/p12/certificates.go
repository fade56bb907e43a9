package p12

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"path"
	"strings"

	"github.com/smallstep/pkcs7"

	"securemailid.example/internal/fault"
)

// Limits of what is read: a download has three or four certificates.
const (
	MaxFile         = 1 << 20 // of a download, bytes
	maxCertificates = 20
	maxEntry        = 64 << 10 // of an archive's file, bytes
)

// ParseCertificates reads the certificates of a download (G22) in any of its forms: PKCS #7 (DER or PEM), PEM, DER, or the archive of
// .crt files. The form is seen from the content. Faults are of kind Invalid.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	var ok bool
	switch {
	case len(data) > MaxFile:
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		certs, ok = fromArchive(data)
	default:
		certs, ok = fromFile(data)
	}
	if !ok || len(certs) == 0 || len(certs) > maxCertificates {
		return nil, fault.New(fault.Invalid, "p12.certificates",
			"証明書を読み取れません。ダウンロードした .p7b、.pem、.crt または .zip のファイルを指定してください。",
			"The certificates cannot be read. Name the .p7b, .pem, .crt or .zip file that was downloaded.")
	}
	return certs, nil
}

func fromFile(data []byte) ([]*x509.Certificate, bool) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return fromPEM(data)
	}
	return fromDER(data)
}

func fromDER(der []byte) ([]*x509.Certificate, bool) {
	if cert, err := x509.ParseCertificate(der); err == nil {
		return []*x509.Certificate{cert}, true
	}
	bundle, err := pkcs7.Parse(der)
	if err != nil {
		return nil, false
	}
	return bundle.Certificates, true
}

func fromPEM(text []byte) (certs []*x509.Certificate, ok bool) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "PKCS7" {
			return nil, false
		}
		more, ok := fromDER(block.Bytes)
		if !ok || len(certs)+len(more) > maxCertificates {
			return nil, false
		}
		certs = append(certs, more...)
	}
	return certs, true
}

func fromArchive(data []byte) (certs []*x509.Certificate, ok bool) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(archive.File) > maxCertificates {
		return nil, false
	}
	for _, f := range archive.File {
		if ext := strings.ToLower(path.Ext(f.Name)); ext != ".crt" && ext != ".cer" && ext != ".pem" {
			continue
		}
		text, ok := readEntry(f)
		if !ok {
			return nil, false
		}
		more, ok := fromFile(text)
		if !ok {
			return nil, false
		}
		certs = append(certs, more...)
	}
	return certs, true
}

// readEntry reads a file of an archive, whatever its header says of its size.
func readEntry(f *zip.File) ([]byte, bool) {
	r, err := f.Open()
	if err != nil {
		return nil, false
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(io.LimitReader(r, maxEntry+1))
	return text, err == nil && len(text) <= maxEntry
}
