package ceremony

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Log says who did what when (SBR 5.4.1). It holds digests of everything public and nothing of a private key.
type Log struct {
	Operator   string    `json:"operator"`
	Witnesses  []string  `json:"witnesses"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Spec       Spec      `json:"spec"`
	SpecSHA256 string    `json:"spec_sha256"` // of Spec as compact JSON
	Made       []Made    `json:"made"`
}

// Made is one certificate with its key, or the CRL.
type Made struct {
	File      string    `json:"file"`
	SHA256    string    `json:"sha256"` // of the DER, as openssl x509 -fingerprint -sha256 shows it
	Subject   string    `json:"subject,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	KeyFile   string    `json:"key_file,omitempty"`
	KeyBits   int       `json:"key_bits,omitempty"`
	KeySHA256 string    `json:"key_sha256,omitempty"` // of the public key, SubjectPublicKeyInfo
}

func newLog(spec Spec, made Result, started, finished time.Time) (Log, error) {
	encoded, err := json.Marshal(spec)
	if err != nil {
		return Log{}, fmt.Errorf("ceremony: encode settings: %w", err)
	}
	l := Log{
		Operator: spec.Operator, Witnesses: spec.Witnesses, StartedAt: started, FinishedAt: finished,
		Spec: spec, SpecSHA256: digest(encoded),
		Made: []Made{entry(RootCertificate, RootKey, made.Root), entry(IssuingCertificate, IssuingKey, made.Issuing)},
	}
	crl := Made{File: RootCRL, SHA256: digest(made.CRL), NotBefore: started, NotAfter: started.AddDate(0, 0, spec.Root.CRLValidityDays)}
	l.Made = append(l.Made, crl)
	return l, nil
}

func entry(file, keyFile string, cert *x509.Certificate) Made {
	m := Made{
		File: file, SHA256: digest(cert.Raw), Subject: cert.Subject.String(), Serial: cert.SerialNumber.Text(16),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, KeyFile: keyFile, KeySHA256: digest(cert.RawSubjectPublicKeyInfo),
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		m.KeyBits = key.N.BitLen()
	}
	return m
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Markdown is the log for people, to be printed and signed.
func (l Log) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# 鍵生成式の記録 / Key ceremony log\n")
	line("- 実施者 / operator: %s", plain(l.Operator))
	for _, w := range l.Witnesses {
		line("- 立会人 / witness: %s", plain(w))
	}
	line("- 開始 / started: %s", l.StartedAt.Format(time.RFC3339))
	line("- 終了 / finished: %s", l.FinishedAt.Format(time.RFC3339))
	line("- プロファイル / profile: %s, ポリシー / policy: %s", l.Spec.Profile, l.Spec.PolicyOID)
	line("- 設定の SHA-256 / SHA-256 of the settings: `%s`\n", l.SpecSHA256)
	for _, m := range l.Made {
		line("## %s\n", m.File)
		if m.Subject != "" {
			line("- 名称 / subject: %s", plain(m.Subject))
			line("- シリアル番号 / serial: `%s`", m.Serial)
			line("- 公開鍵 / public key: RSA %d, SHA-256 `%s`, 秘密鍵 / private key: %s", m.KeyBits, m.KeySHA256, m.KeyFile)
		}
		line("- 有効期間 / validity: %s – %s", m.NotBefore.Format(time.RFC3339), m.NotAfter.Format(time.RFC3339))
		line("- SHA-256: `%s`\n", m.SHA256)
	}
	line("## 次の作業 / Next\n")
	line("- %s をオフラインの安全な場所へ移し、このディスクから消去する。/ Move %s to a safe place offline and erase it here.", RootKey, RootKey)
	line("- %s を %s で、%s を %s で公開する。/ Publish %s and %s there.", RootCertificate, l.Spec.Root.CertificateURL, RootCRL, l.Spec.Root.CRLURL, RootCertificate, RootCRL)
	line("\n署名 / signatures: ____________________  ____________________")
	return b.String()
}

// plain keeps a name from acting as markup.
func plain(s string) string {
	return strings.NewReplacer("`", "'", "<", "&lt;", "*", "\\*", "_", "\\_", "[", "\\[", "|", "\\|").Replace(s)
}
