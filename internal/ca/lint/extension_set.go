package lint

// Extensions of the profile (RFC 5280 4.2).
const (
	oidSubjectKeyID   = "2.5.29.14"
	oidKeyUsage       = "2.5.29.15"
	oidSubjectAltName = "2.5.29.17"
	oidCRLPoints      = "2.5.29.31"
	oidPolicies       = "2.5.29.32"
	oidAuthorityKeyID = "2.5.29.35"
	oidExtKeyUsage    = "2.5.29.37"
	oidAuthorityInfo  = "1.3.6.1.5.5.7.1.1"
)

// extensionSet: exactly the extensions of the profile, only keyUsage critical. Parsing has refused duplicates already.
func extensionSet() certificateLint {
	profile := []string{oidSubjectKeyID, oidKeyUsage, oidSubjectAltName, oidCRLPoints, oidPolicies, oidAuthorityKeyID, oidExtKeyUsage, oidAuthorityInfo}
	return certificateLint{
		name: "mailid_extension_set", citation: "SBR 7.1.2.3; RFC 5280 4.2", effective: baselineRequirements(),
		check: func(in input) string {
			for _, oid := range profile {
				_, critical, ok := extension(in.cert, oid)
				if !ok {
					return "an extension of the profile is missing"
				}
				if critical != (oid == oidKeyUsage) {
					return "an extension is critical that should not be, or keyUsage is not"
				}
			}
			if len(in.cert.Extensions) != len(profile) {
				return "there is an extension that the profile does not know"
			}
			return ""
		},
	}
}
