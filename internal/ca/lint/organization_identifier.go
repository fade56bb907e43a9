package lint

import (
	"regexp"
	"strings"
)

// organizationIdentifier: demanded or absent by policy, of the syntax that its scheme prescribes, and of the subject's country.
func organizationIdentifier() certificateLint {
	syntax := newIdentifierSyntax()
	return certificateLint{
		name: "mailid_organization_identifier", citation: "SBR 7.1.4.2.2d, 7.1.4.2.4, Appendix A", effective: baselineRequirements(),
		check: func(in input) string {
			switch ids := values(in.cert, oidOrganizationID); {
			case len(ids) == 0 && in.rules.OrganizationIdentifier:
				return "organizationIdentifier is missing"
			case len(ids) == 0:
				return ""
			case !in.rules.OrganizationIdentifier:
				return "organizationIdentifier is not validated under this policy and may not be there"
			case len(ids) > 1:
				return "organizationIdentifier is there more than once"
			default:
				return syntax.problem(ids[0], in.cert.Subject.Country)
			}
		},
	}
}

// identifierSyntax is scheme, country, optional subdivision and reference (SBR 7.1.4.2.2d).
type identifierSyntax struct {
	national, lei, international, japanRegister, japanTax *regexp.Regexp
}

func newIdentifierSyntax() identifierSyntax {
	return identifierSyntax{
		national:      regexp.MustCompile(`^(?:(?:NTR|VAT|PSD)[A-Z]{2}(?:\+[A-Z0-9]{1,3})?-[^\s-][^\s]*|GOV[A-Z]{2}(?:\+[A-Z0-9]{1,3})?)$`),
		lei:           regexp.MustCompile(`^LEIXG-[A-Z0-9]{18}[0-9]{2}$`),
		international: regexp.MustCompile(`^INTXG$`),
		japanRegister: regexp.MustCompile(`^NTRJP-[0-9]{12}$`), // 会社法人等番号, as published Japanese practice writes it
		japanTax:      regexp.MustCompile(`^VATJP-[0-9]{13}$`), // 法人番号
	}
}

func (s identifierSyntax) problem(id string, countries []string) string {
	if s.lei.MatchString(id) || s.international.MatchString(id) {
		return "" // neither names a country to compare
	}
	switch {
	case !s.national.MatchString(id):
		return "organizationIdentifier is not scheme, country and reference"
	case len(countries) == 1 && id[3:5] != countries[0]:
		return "organizationIdentifier is of another country than the subject"
	case strings.HasPrefix(id, "NTRJP") && !s.japanRegister.MatchString(id):
		return "a Japanese register number is NTRJP- and 12 digits"
	case strings.HasPrefix(id, "VATJP") && !s.japanTax.MatchString(id):
		return "a Japanese corporate number is VATJP- and 13 digits"
	default:
		return ""
	}
}
