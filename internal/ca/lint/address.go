package lint

import "slices"

// address: country, state and city as the guide's form demands them, the country Japan. The SBR lets an address stand only beside
// its country.
func address() certificateLint {
	return certificateLint{
		name: "mailid_address", citation: "SBR 7.1.4.2.2 j–m; G9", effective: baselineRequirements(),
		check: func(in input) string {
			switch {
			case !slices.Equal(values(in.cert, oidCountry), []string{"JP"}):
				return "the country is not JP"
			case !has(in.cert, oidState) || !has(in.cert, oidLocality):
				return "the state or the city is missing"
			default:
				return ""
			}
		},
	}
}
