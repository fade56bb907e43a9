package ceremony

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"securemailid.example/internal/fault"
)

// Log says who did what when, with which program (SBR 5.4.1). It holds digests of everything public and nothing of a private key.
type Log struct {
	Command    string    `json:"command"` // ca init, ca rollover
	Operator   string    `json:"operator"`
	Witnesses  []string  `json:"witnesses"`
	Software   Software  `json:"software"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Spec       Spec      `json:"spec"`
	SpecSHA256 string    `json:"spec_sha256"` // of Spec as compact JSON
	Found      []Made    `json:"found,omitempty"`
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
	Key       string    `json:"key,omitempty"` // its file, or its PKCS #11 URI
	KeyBits   int       `json:"key_bits,omitempty"`
	KeySHA256 string    `json:"key_sha256,omitempty"` // of the public key, SubjectPublicKeyInfo
}

// Software is the program that carried out the ceremony.
type Software struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of the executable file
}

func newLog(command string, spec Spec, started time.Time, clock func() time.Time) (Log, error) {
	encoded, err := json.Marshal(spec)
	if err != nil {
		return Log{}, fmt.Errorf("ceremony: encode settings: %w", err)
	}
	software, err := running()
	if err != nil {
		return Log{}, err
	}
	return Log{
		Command: command, Operator: spec.Operator, Witnesses: spec.Witnesses, Software: software,
		StartedAt: started, FinishedAt: clock().UTC().Truncate(time.Second), Spec: spec, SpecSHA256: digest(encoded),
	}, nil
}

// running describes this program: a version names what was meant, the digest what ran.
func running() (Software, error) {
	s := Software{Version: "unknown " + runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		s.Version = info.Main.Version + " " + info.GoVersion
	}
	path, err := os.Executable()
	if err != nil {
		return s, fmt.Errorf("ceremony: find this program: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("ceremony: read this program: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return s, fmt.Errorf("ceremony: read this program: %w", err)
	}
	s.SHA256 = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

func entry(file, key string, cert *x509.Certificate) Made {
	m := Made{
		File: file, SHA256: digest(cert.Raw), Subject: cert.Subject.String(), Serial: cert.SerialNumber.Text(16),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, Key: key, KeySHA256: digest(cert.RawSubjectPublicKeyInfo),
	}
	if public, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		m.KeyBits = public.N.BitLen()
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
	line("- コマンド / command: starter %s", l.Command)
	line("- 実施者 / operator: %s", plain(l.Operator))
	for _, w := range l.Witnesses {
		line("- 立会人 / witness: %s", plain(w))
	}
	line("- 開始 / started: %s", l.StartedAt.Format(time.RFC3339))
	line("- 終了 / finished: %s", l.FinishedAt.Format(time.RFC3339))
	line("- プログラム / program: %s, SHA-256 `%s`", plain(l.Software.Version), l.Software.SHA256)
	line("- プロファイル / profile: %s, ポリシー / policy: %s", l.Spec.Profile, l.Spec.PolicyOID)
	line("- 設定の SHA-256 / SHA-256 of the settings: `%s`\n", l.SpecSHA256)
	for _, m := range l.Made {
		line("## %s\n", m.File)
		if m.Subject != "" {
			line("- 名称 / subject: %s", plain(m.Subject))
			line("- シリアル番号 / serial: `%s`", m.Serial)
			line("- 公開鍵 / public key: RSA %d, SHA-256 `%s`", m.KeyBits, m.KeySHA256)
			line("- 秘密鍵 / private key: `%s`", m.Key)
		}
		line("- 有効期間 / validity: %s – %s", m.NotBefore.Format(time.RFC3339), m.NotAfter.Format(time.RFC3339))
		line("- SHA-256: `%s`\n", m.SHA256)
	}
	line("## 次の作業 / Next\n")
	for _, text := range l.Next() {
		line("- %s / %s", text.JA, text.EN)
	}
	line("\n署名 / signatures: ____________________  ____________________")
	return b.String()
}

// Next says what people do after the ceremony.
func (l Log) Next() []fault.Text {
	var next []fault.Text
	add := func(ja, en string) { next = append(next, fault.Text{JA: ja, EN: en}) }
	if l.Spec.Root.HSM == "" {
		add(RootKey+" をオフラインの安全な場所へ移し、この端末から消去する。", "Move "+RootKey+" to a safe place offline and erase it here.")
	}
	if l.Command == "ca init" {
		add(RootCertificate+" を "+l.Spec.Root.CertificateURL+" で、"+RootCRL+" を "+l.Spec.Root.CRLURL+" で公開する。",
			"Publish "+RootCertificate+" at "+l.Spec.Root.CertificateURL+" and "+RootCRL+" at "+l.Spec.Root.CRLURL+".")
	}
	add("「starter ca log verify」の最終行の値を、この端末の外に控える。", "Keep the last hash that \"starter ca log verify\" prints somewhere else.")
	return next
}

// plain keeps a name from acting as markup.
func plain(s string) string {
	return strings.NewReplacer("`", "'", "<", "&lt;", "*", "\\*", "_", "\\_", "[", "\\[", "|", "\\|").Replace(s)
}
