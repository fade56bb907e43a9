package lint

// subjectBounds: the X.520 upper bounds, in characters.
func subjectBounds() certificateLint {
	bounds := map[string]int{
		oidCommonName: 64, oidOrganization: 64, oidOrganizationalUnit: 64, oidOrganizationID: 64, // no bound of its own; kept to the same
		oidState: 128, oidLocality: 128, oidCountry: 2,
	}
	return certificateLint{
		name: "mailid_subject_bounds", citation: "RFC 5280 A.1; SBR 7.1.4.2.2a", effective: rfc5280(),
		check: func(in input) string {
			for oid, most := range bounds {
				for _, v := range values(in.cert, oid) {
					if n := length(v); n == 0 || n > most {
						return "a subject attribute is empty or longer than its upper bound"
					}
				}
			}
			return ""
		},
	}
}
