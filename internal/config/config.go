// Package config reads the settings of the programs from the environment. A setting that names a company, an address or a secret
// has no default: outside the development stack the program refuses to start until the operator has set it.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"securemailid.example/internal/mail"
	"securemailid.example/internal/policy"
)

// Database is what every program that reads the record needs.
type Database struct {
	URL string `env:"SMID_DATABASE_URL,required,notEmpty"` // postgres://…
}

// Common is shared by worker and starter.
type Common struct {
	Database
	Temporal       string         `env:"SMID_TEMPORAL_ADDRESS"` // host:port; empty: Temporal's own variables and profile
	Policy         policy.Profile `env:"SMID_POLICY" envDefault:"guide"`
	VoucherKeyFile string         `env:"SMID_VOUCHER_KEY_FILE,required,notEmpty"` // at least 32 random bytes, hex
	BlocklistFile  string         `env:"SMID_KEY_BLOCKLIST_FILE"`                 // compromised keys, SHA-256 of SubjectPublicKeyInfo in hex, one a line
	PublicURL      string         `env:"SMID_PUBLIC_URL,required,notEmpty"`       // of the portal, as applicants reach it
	LogLevel       slog.Level     `env:"SMID_LOG_LEVEL" envDefault:"INFO"`
}

// Mail is the relay and everything that a mail says of the company. No name has a default.
type Mail struct {
	Brand        mail.Brand `envPrefix:"SMID_BRAND_"`
	SMTP         mail.SMTP  `envPrefix:"SMID_SMTP_"`
	PasswordFile string     `env:"SMID_SMTP_PASSWORD_FILE"` // instead of SMID_SMTP_PASSWORD
	CompanyDays  []string   `env:"SMID_COMPANY_HOLIDAYS"`   // days off beside the Japanese holidays, 2026-08-14,…
}

// CA is where the issuing CA lies and publishes.
type CA struct {
	Dir       string `env:"SMID_CA_DIR"`     // as written by "starter ca init"; needed by a worker that signs
	KeyURI    string `env:"SMID_CA_KEY"`     // PKCS #11 URI of the machine's HSM, or of the key in it; empty: as the directory says
	URL       string `env:"SMID_CA_URL"`     // http address below which /crl and /ca are served; empty: SMID_PUBLIC_URL
	OCSPURL   string `env:"SMID_OCSP_URL"`   // http address of the OCSP responder, for the certificates; empty: they name none
	PolicyOID string `env:"SMID_POLICY_OID"` // certificatePolicies; needed outside public-trust
}

// Worker is the settings of the worker.
type Worker struct {
	Common
	Mail
	CA          CA
	CNAMETarget string        `env:"SMID_CNAME_TARGET,required,notEmpty"`
	CAAIssuers  []string      `env:"SMID_CAA_ISSUERS,required,notEmpty"`
	Resolvers   []string      `env:"SMID_DNS_RESOLVERS,required,notEmpty"`
	WHOISServer string        `env:"SMID_WHOIS_SERVER"`              // host:port; empty: by referral from IANA
	Lab         bool          `env:"SMID_DEV_LAB"`                   // development stack only: probes may reach loopback, on WebPort
	LabWebPort  int           `env:"SMID_DEV_WEB_PORT"`              // development stack only
	Poll        time.Duration `env:"SMID_DEV_POLL"`                  // development stack only: a fixed polling interval instead of the cadence
	Signing     bool          `env:"SMID_SIGNING" envDefault:"true"` // whether this worker holds the CA key
	Health      string        `env:"SMID_HEALTH_LISTEN"`             // host:port that answers /healthz and /readyz; empty: none
	Concurrency int           `env:"SMID_CONCURRENCY" envDefault:"100"`
}

// Portal is the settings of "starter serve".
type Portal struct {
	Common
	Brand         mail.Brand `envPrefix:"SMID_BRAND_"`
	TrustProxyTLS bool       `env:"SMID_TRUST_PROXY_TLS"` // a proxy of ours ends TLS and sets X-Forwarded-Proto and -For
	OCSPDir       string     `env:"SMID_OCSP_DIR"`        // where the OCSP responder keeps its keys; empty: none is served
	Listen        string     `env:"SMID_PORTAL_LISTEN" envDefault:"127.0.0.1:8080"`
}

// Load reads T from the environment and says every missing setting at once.
func Load[T any]() (T, error) { return LoadFrom[T](os.Environ()) }

// LoadFrom reads T from settings of the form KEY=value.
func LoadFrom[T any](settings []string) (T, error) {
	cfg, err := env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(settings)})
	if err == nil {
		return cfg, nil
	}
	var missing []string
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, e := range all.Errors {
			missing = append(missing, e.Error())
		}
		return cfg, fmt.Errorf("settings are missing or wrong:\n  %s\ndocs/operations.md lists them all", strings.Join(missing, "\n  "))
	}
	return cfg, err
}

// Book opens the policy book that the settings name.
func (c Common) Book() (policy.Book, error) {
	b, ok := policy.Open(c.Policy)
	if !ok {
		return b, fmt.Errorf("SMID_POLICY is %q; it must be %q or %q", c.Policy, policy.Guide, policy.PublicTrust)
	}
	return b, nil
}

// BaseURL is PublicURL, checked, without a trailing slash.
func (c Common) BaseURL() (string, error) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", fmt.Errorf("SMID_PUBLIC_URL must be an http or https address such as https://id.example.jp")
	}
	return strings.TrimSuffix(c.PublicURL, "/"), nil
}

// Secret reads a secret from a file that only its owner may read; an empty path is an empty secret.
func Secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s may be read by others; set its mode to 0600", path)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}
