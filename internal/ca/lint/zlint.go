package lint

import (
	"fmt"

	zx509 "github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3/lint"

	// Each package registers its lints with zlint's registry when it is linked in. Those for TLS, code signing and qualified
	// certificates stay out.
	_ "github.com/zmap/zlint/v3/lints/cabf_smime_br"
	_ "github.com/zmap/zlint/v3/lints/community"
	_ "github.com/zmap/zlint/v3/lints/mozilla"
	_ "github.com/zmap/zlint/v3/lints/rfc"
)

// Organization-validated policies of the CA/Browser Forum (SBR 7.1.6.1). Legacy (.2.1) is forbidden since 2025-07-15.
const (
	OIDMultipurpose = "2.23.140.1.5.2.2"
	OIDStrict       = "2.23.140.1.5.2.3"
)

// IsBaselinePolicy reports whether the OID is an organization-validated policy of the S/MIME Baseline Requirements that may be
// used today.
func IsBaselinePolicy(oid string) bool { return oid == OIDMultipurpose || oid == OIDStrict }

// zlints are the selected lints of zlint.
type zlints struct {
	certificate []*zlint.CertificateLint
	crl         []*zlint.RevocationListLint
	config      zlint.Configuration
}

func selectZlints(baseline bool) (zlints, error) {
	sources := zlint.SourceList{
		zlint.RFC3279, zlint.RFC5280, zlint.RFC5480, zlint.RFC5891, zlint.RFC8813, zlint.Community, zlint.MozillaRootStorePolicy,
	}
	if baseline {
		sources = append(sources, zlint.CABFSMIMEBaselineRequirements)
	}
	r, err := zlint.GlobalRegistry().Filter(zlint.FilterOptions{
		IncludeSources: sources, ExcludeNames: []string{"e_rsa_fermat_factorization"}, // see closePrimes
	})
	if err != nil {
		return zlints{}, fmt.Errorf("select lints: %w", err)
	}
	z := zlints{certificate: r.CertificateLints().Lints(), crl: r.RevocationListLints().Lints(), config: r.GetConfiguration()}
	if len(z.certificate) == 0 || len(z.crl) == 0 {
		return zlints{}, fmt.Errorf("select lints: none registered")
	}
	return z, nil
}

func (z zlints) certificateFindings(der []byte) ([]Finding, error) {
	cert, err := zx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate for zlint: %w", err)
	}
	var out []Finding
	for _, l := range z.certificate {
		out = appendFinding(out, l.LintMetadata, l.Execute(cert, z.config))
	}
	return out, nil
}

func (z zlints) crlFindings(der []byte) ([]Finding, error) {
	crl, err := zx509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("parse CRL for zlint: %w", err)
	}
	var out []Finding
	for _, l := range z.crl {
		out = appendFinding(out, l.LintMetadata, l.Execute(crl, z.config))
	}
	return out, nil
}

// appendFinding leaves out what a lint passed or did not apply to.
func appendFinding(out []Finding, m zlint.LintMetadata, r *zlint.LintResult) []Finding {
	level := Error // also for a lint that failed to run: what was not looked at has not passed
	switch r.Status {
	case zlint.NA, zlint.NE, zlint.Pass:
		return out
	case zlint.Notice:
		level = Notice
	case zlint.Warn:
		level = Warning
	}
	return append(out, Finding{Lint: m.Name, Citation: m.Citation, Level: level})
}
