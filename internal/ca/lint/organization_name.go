package lint

// organizationName: an organisation-validated certificate names the organisation, once.
func organizationName() certificateLint {
	return certificateLint{
		name: "mailid_organization_name", citation: "SBR 7.1.4.2.4; G9", effective: baselineRequirements(),
		check: func(in input) string {
			if len(values(in.cert, oidOrganization)) != 1 || !has(in.cert, oidOrganization) {
				return "organizationName is not there exactly once"
			}
			return ""
		},
	}
}
