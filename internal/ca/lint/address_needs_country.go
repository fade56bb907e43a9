package lint

// addressNeedsCountry: city and state stand only beside the country, and the country is Japan (G9).
func addressNeedsCountry() certificateLint {
	return certificateLint{
		name: "mailid_address_needs_country", citation: "SBR 7.1.4.2.2 j–m; G9", effective: baselineRequirements(),
		check: func(in input) string {
			country := values(in.cert, oidCountry)
			address := has(in.cert, oidState) || has(in.cert, oidLocality) || has(in.cert, oidStreet) || has(in.cert, oidPostalCode)
			switch {
			case len(country) == 0 && address:
				return "the subject has an address without a country"
			case len(country) > 0 && (len(country) != 1 || country[0] != "JP"):
				return "the country is not JP"
			default:
				return ""
			}
		},
	}
}
