package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// csrOptions is what a signing request is made of.
type csrOptions struct {
	outKey, outCSR                         string
	email, organization, unit, state, city string
}

func (p *program) csr() *cobra.Command {
	var o csrOptions
	c := &cobra.Command{
		Use:     "csr",
		GroupID: groupApplicant,
		Short:   "秘密鍵とCSRを作成 / Make a private key and a CSR",
		Long: `RSA 2048ビットの秘密鍵とCSRをこの端末で作成します。秘密鍵は端末の外に送られません。既存のファイルは上書きしません。
鍵ファイルは暗号化されません (権限 0600)。暗号化するには:
  openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -out key.enc.pem
証明書に記載される内容は申請ファイルが優先されるため、名称の指定は任意です。

Makes an RSA-2048 private key and a CSR on this machine. The key never leaves it. Existing files are never overwritten.
The key file is not encrypted (mode 0600); the command above encrypts it. What the order file says goes into the certificate,
so the names are optional here.`,
		Example: `  starter csr --email info@example.jp --organization "Sample Trading K.K."
  starter csr --email info@example.jp --out-key info.key --out-csr info.csr`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.makeCSR(o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.outKey, "out-key", "key.pem", "秘密鍵のファイル / file for the private key")
	flags.StringVar(&o.outCSR, "out-csr", "request.csr", "CSRのファイル / file for the CSR")
	flags.StringVar(&o.email, "email", "", "証明書のメールアドレス (必須) / certificate e-mail address (required)")
	flags.StringVar(&o.organization, "organization", "", "申請団体名 (英語) / organisation in English")
	flags.StringVar(&o.unit, "unit", "", "部門名 (英語) / organization unit")
	flags.StringVar(&o.state, "state", "", "都道府県 (英語) / state or province")
	flags.StringVar(&o.city, "city", "", "市区町村 (英語) / city or locality")
	return c
}

func (p *program) makeCSR(o csrOptions) error {
	mailbox, err := order.ParseMailbox(o.email)
	if err != nil {
		return underFlag(err, "--email")
	}
	if o.outKey == o.outCSR {
		return wrongUsage("--out-key と --out-csr には別のファイルを指定してください。", "--out-key and --out-csr must be two files.")
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	request, err := signRequest(key, mailbox.String(), o)
	if err != nil {
		return err
	}
	if err := writeKeyAndRequest(o, key, request); err != nil {
		return err
	}
	p.out.Println(p.say("秘密鍵", "private key")+":", o.outKey, p.say("(権限 0600、暗号化なし)", "(mode 0600, not encrypted)"))
	p.out.Println("CSR:", o.outCSR)
	p.err.Println(p.err.Yellow(p.say(
		"注意: 秘密鍵は誰にも渡さず、控えを安全に保管してください。失うと証明書を使えません。",
		"Note: give the private key to nobody and keep a safe copy. Without it the certificate is useless.")))
	return nil
}

func newKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, order.KeyLength)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

// oidEmail is emailAddress of PKCS #9.
var oidEmail = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

// commonName is the address, unless it is longer than X.520 allows (ub-common-name).
func commonName(email string) string {
	if len(email) > 64 {
		return ""
	}
	return email
}

// signRequest makes the CSR and reads it back as the CA will, so that nobody is handed one that would be refused.
func signRequest(key *rsa.PrivateKey, email string, o csrOptions) ([]byte, error) {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		SignatureAlgorithm: x509.SHA256WithRSA,
		EmailAddresses:     []string{email},
		Subject: pkix.Name{
			Country: []string{order.Country}, Organization: one(o.organization), OrganizationalUnit: one(o.unit),
			Province: one(o.state), Locality: one(o.city), CommonName: commonName(email),
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidEmail, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(email)}}},
		},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("make CSR: %w", err)
	}
	parsed, err := csr.Parse(string(der), nil)
	if err != nil {
		return nil, err
	}
	return []byte(parsed.PEM()), nil
}

// writeKeyAndRequest leaves both files or none.
func writeKeyAndRequest(o csrOptions, key *rsa.PrivateKey, request []byte) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	defer clear(der)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(text)
	if err := writeNew(o.outKey, 0o600, text); err != nil {
		return err
	}
	if err := writeNew(o.outCSR, 0o644, request); err != nil {
		return errors.Join(err, os.Remove(o.outKey))
	}
	return nil
}

// writeNew writes a file that must not be there yet and keeps nothing half written.
func writeNew(path string, mode fs.FileMode, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "file.exists", path+" は既にあります。上書きしません。別のファイル名を指定してください。",
			path+" is there already and is not overwritten. Choose another name.")
	}
	if err != nil { // the command line names the place
		return fault.New(fault.Invalid, "file.unwritable", "ファイルを作成できません: "+err.Error(), "The file cannot be made: "+err.Error())
	}
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// underFlag names the flag in place of the field of a fault.
func underFlag(err error, flag string) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	renamed := *f
	renamed.Fields = make([]fault.Field, len(f.Fields))
	for i, field := range f.Fields {
		field.Path = flag
		renamed.Fields[i] = field
	}
	return &renamed
}
