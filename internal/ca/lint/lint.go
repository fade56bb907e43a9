// Package lint judges a certificate before the CA key is touched (SBR 4.3.1.2): zlint's lints for the profile in use, and our
// own for what zlint does not see. One of ours is one file: a name, its citation and the date from which it holds.
package lint

import (
	"crypto/x509"
	"fmt"
	"time"

	"securemailid.example/internal/policy"
)

// Level says how bad a finding is.
type Level int

const (
	Notice Level = iota + 1
	Warning
	Error
)

// Finding is one lint that a certificate or CRL does not pass. It carries no value of what was linted, so it may be logged
// and shown.
type Finding struct {
	Lint     string
	Citation string
	Level    Level
	Problem  string // what our own lints found wrong; empty for zlint's, whose details repeat values
}

// Blocking returns the findings that stop issuance: warnings and errors, and notices too where the policy says so
// (policy.Rules.LintNoticeBlocks).
func Blocking(findings []Finding, noticeBlocks bool) []Finding {
	least := Warning
	if noticeBlocks {
		least = Notice
	}
	var out []Finding
	for _, f := range findings {
		if f.Level >= least {
			out = append(out, f)
		}
	}
	return out
}

// Linter holds the lints that apply to one certificate policy. It is immutable and safe for concurrent use.
type Linter struct {
	policyOID string
	own       []certificateLint
	zlint     zlints
}

// New selects the lints for certificates of the policy. zlint's S/MIME Baseline Requirements lints run only where the policy is one
// of the CA/Browser Forum's: a private CA asserts none of theirs and would fail for that alone. Filtering zlint's registry is
// slow, so it is done here, once.
func New(policyOID string) (*Linter, error) {
	z, err := selectZlints(IsBaselinePolicy(policyOID))
	if err != nil {
		return nil, err
	}
	return &Linter{policyOID: policyOID, own: ownLints(), zlint: z}, nil
}

// Asked is what was ordered, as far as the certificate must show it.
type Asked struct {
	Years    int       // of validity, unless NotAfter is set; 0: not judged
	NotAfter time.Time // the end that is given (G25)
}

// Certificate lints a subscriber certificate, DER, by the given rules and against what was asked for. Its signature is not looked at, so it may be a static
// value (SBR 4.3.1.2 allows that for linting). An error means that der is no certificate at all.
func (l *Linter) Certificate(der []byte, rules policy.Rules, asked Asked) ([]Finding, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate to lint: %w", err)
	}
	findings, err := l.zlint.certificateFindings(der)
	if err != nil {
		return nil, err
	}
	in := input{cert: cert, rules: rules, asked: asked, policyOID: l.policyOID}
	for _, c := range l.own {
		if cert.NotBefore.Before(c.effective) {
			continue
		}
		if problem := c.check(in); problem != "" {
			findings = append(findings, Finding{Lint: c.name, Citation: c.citation, Level: Error, Problem: problem})
		}
	}
	return findings, nil
}

// CRL lints a certificate revocation list, DER.
func (l *Linter) CRL(der []byte) ([]Finding, error) { return l.zlint.crlFindings(der) }

// CACertificate lints a root or issuing CA certificate, DER, with zlint's lints for the policy.
func (l *Linter) CACertificate(der []byte) ([]Finding, error) {
	return l.zlint.certificateFindings(der)
}

// certificateLint is one lint of our own.
type certificateLint struct {
	name      string
	citation  string
	effective time.Time                       // certificates with an earlier notBefore are not judged
	check     func(in input) (problem string) // "" passes; the problem holds no value of the certificate
}

// input is what a lint may look at.
type input struct {
	cert      *x509.Certificate
	rules     policy.Rules
	asked     Asked
	policyOID string
}

// ownLints lists our lints, in the order of the certificate's fields.
func ownLints() []certificateLint {
	return []certificateLint{
		serialNumber(),
		signatureAlgorithm(),
		validityPeriod(),
		validityOrdered(),
		organizationName(),
		organizationIdentifier(),
		identifierScheme(),
		corporateNumber(),
		subjectAttributes(),
		subjectBounds(),
		subjectPlaceholder(),
		subjectText(),
		subjectEncoding(),
		address(),
		commonName(),
		publicKey(),
		closePrimes(),
		extensionSet(),
		keyIdentifiers(),
		mailbox(),
		mailboxDomain(),
		keyUsage(),
		extendedKeyUsage(),
		certificatePolicy(),
		httpLocations(),
	}
}

// baselineRequirements is when the S/MIME Baseline Requirements took effect (SBR 1.1).
func baselineRequirements() time.Time { return time.Date(2023, 9, 1, 0, 0, 0, 0, time.UTC) }

// rfc5280 is when RFC 5280 was published.
func rfc5280() time.Time { return time.Date(2008, 5, 1, 0, 0, 0, 0, time.UTC) }
