package lint

import "time"

// validityPeriod: notBefore to notAfter inclusive, in seconds; a started day counts as a whole one. zlint does not see it.
func validityPeriod() certificateLint {
	return certificateLint{
		name: "mailid_validity_period", citation: "SBR 6.3.2; RFC 5280 4.1.2.5", effective: baselineRequirements(),
		check: func(in input) string {
			inclusive := in.cert.NotAfter.Sub(in.cert.NotBefore) + time.Second
			switch {
			case inclusive <= time.Second:
				return "the certificate ends before it begins"
			case inclusive > time.Duration(in.rules.MaxValidityDays)*24*time.Hour:
				return "the validity period is longer than the policy allows"
			default:
				return ""
			}
		},
	}
}
