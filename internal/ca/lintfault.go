package ca

import (
	"fmt"
	"strings"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

// lint judges the TBSCertificate in a certificate with a static signature of the right size: SBR 4.3.1.2 accepts that, no key
// is used and no time is lost on a signature that nobody verifies.
func (c *CA) lint(tbs []byte, rules policy.Rules, asked lint.Asked) error {
	der, err := assemble(tbs, c.staticSignature)
	if err != nil {
		return err
	}
	findings, err := c.linter.Certificate(der, rules, asked)
	if err != nil {
		return fmt.Errorf("lint: %w", err)
	}
	return lintFault(lint.Blocking(findings, rules.LintNoticeBlocks))
}

// lintFault names the lints that stopped issuance, or returns nil without any. Findings carry no values, so the text may be shown.
func lintFault(findings []lint.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	names := make([]string, len(findings))
	for i, f := range findings {
		names[i] = fmt.Sprintf("%s [%s]", f.Lint, f.Citation)
	}
	list := strings.Join(names, ", ")
	return fault.New(fault.Conflict, "lint",
		"証明書の内容が発行基準に合わないため発行を停止しました: "+list,
		"The certificate would break its profile, so it is not issued: "+list)
}
