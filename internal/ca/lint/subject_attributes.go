package lint

// subjectAttributes: only what the profile puts there, each once. Street and postal code are collected but never certified (G9); names of
// natural persons and everything unknown are forbidden for organisation-validated certificates.
func subjectAttributes() certificateLint {
	return certificateLint{
		name: "mailid_subject_attributes", citation: "SBR 7.1.4.2.4; G9", effective: baselineRequirements(),
		check: func(in input) string {
			seen := map[string]bool{}
			for _, a := range in.cert.Subject.Names {
				oid := a.Type.String()
				if seen[oid] {
					return "a subject attribute is there more than once"
				}
				seen[oid] = true
				switch oid {
				case oidCountry, oidState, oidLocality, oidOrganization, oidOrganizationID, oidCommonName:
				case oidOrganizationalUnit:
					if !in.rules.OrganizationalUnit {
						return "organizationalUnitName is not allowed under this policy"
					}
				default:
					return "the subject has an attribute that the profile does not allow"
				}
			}
			return ""
		},
	}
}
