package lint

import "strings"

// identifierScheme: the organizationIdentifier is under the scheme that the policy validates numbers for. One under another scheme may be
// well formed, but nobody has looked it up there (SBR 3.2.3.3).
func identifierScheme() certificateLint {
	return certificateLint{
		name: "mailid_identifier_scheme", citation: "SBR 3.2.3.3, 7.1.4.2.2d, Appendix A", effective: baselineRequirements(),
		check: func(in input) string {
			for _, id := range values(in.cert, oidOrganizationID) {
				if in.rules.IdentifierScheme != "" && !strings.HasPrefix(id, in.rules.IdentifierScheme+"-") {
					return "organizationIdentifier is not under the scheme of the policy"
				}
			}
			return ""
		},
	}
}
