// Package ceremony makes a root and an issuing CA from one reviewed file, once, and writes down who did what when.
package ceremony

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

//go:embed example.yaml
var example string

// Example returns a commented settings file that explains every setting; it is valid for development.
func Example() string { return example }

// Spec is the reviewed file; Example explains each setting.
type Spec struct {
	Development bool           `json:"development" yaml:"development"`
	Profile     policy.Profile `json:"profile" yaml:"profile"`
	Operator    string         `json:"operator" yaml:"operator"`
	Witnesses   []string       `json:"witnesses" yaml:"witnesses"`
	PolicyOID   string         `json:"policy_oid" yaml:"policy_oid"`
	Root        Root           `json:"root" yaml:"root"`
	Issuing     Issuing        `json:"issuing" yaml:"issuing"`
}

// Root is the root CA and where its certificate and CRL will be published.
type Root struct {
	Subject         Subject `json:"subject" yaml:"subject"`
	HSM             string  `json:"hsm,omitempty" yaml:"hsm"` // PKCS #11 URI of the key to be made; empty: a file
	ValidityYears   int     `json:"validity_years" yaml:"validity_years"`
	CRLValidityDays int     `json:"crl_validity_days" yaml:"crl_validity_days"`
	CertificateURL  string  `json:"certificate_url" yaml:"certificate_url"`
	CRLURL          string  `json:"crl_url" yaml:"crl_url"`
}

// Issuing is the CA that issues to subscribers.
type Issuing struct {
	Subject       Subject `json:"subject" yaml:"subject"`
	HSM           string  `json:"hsm,omitempty" yaml:"hsm"` // PKCS #11 URI of the key to be made; empty: a file
	ValidityYears int     `json:"validity_years" yaml:"validity_years"`
}

// Subject is the distinguished name of a CA (SBR 7.1.4.3).
type Subject struct {
	Country      string `json:"country" yaml:"country"`
	Organization string `json:"organization" yaml:"organization"`
	CommonName   string `json:"common_name" yaml:"common_name"`
}

// maxSpec bounds the settings file, bytes.
const maxSpec = 64 << 10

// Parse reads and checks a settings file. An unknown or repeated setting, a second document and anything that Check refuses are faults of kind
// Invalid.
func Parse(r io.Reader) (Spec, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSpec+1))
	if err != nil {
		return Spec{}, fmt.Errorf("read ceremony settings: %w", err)
	}
	if len(data) > maxSpec {
		return Spec{}, malformed(errors.New("the file is longer than 64 KiB"))
	}
	var s Spec
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		return Spec{}, malformed(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Spec{}, malformed(errors.New("something follows the settings"))
	}
	return s, s.Check()
}

// malformed quotes the decoder: the file is the operator's own and holds no secret.
func malformed(err error) error {
	return fault.New(fault.Invalid, "ceremony.malformed",
		"設定ファイルを読み取れません: "+err.Error(), "The settings cannot be read: "+err.Error()).Because(err)
}
