package lint

import "time"

// validityOrdered: exactly what was ordered (G4): so many calendar years, both ends counted in seconds, or up to the given end (G25). It
// is worked out anew here, from the certificate and the order, so that a slip of the clock's arithmetic cannot pass.
func validityOrdered() certificateLint {
	return certificateLint{
		name: "mailid_validity_ordered", citation: "G4; G25; SBR 6.3.2; RFC 5280 4.1.2.5", effective: rfc5280(),
		check: func(in input) string {
			after := in.cert.NotAfter.Add(time.Second) // the first second that is not covered
			switch {
			case !in.asked.NotAfter.IsZero() && !in.cert.NotAfter.Equal(in.asked.NotAfter):
				return "the certificate does not end when it was to end"
			case in.asked.NotAfter.IsZero() && in.asked.Years != 0 && !after.Equal(in.cert.NotBefore.AddDate(in.asked.Years, 0, 0)):
				return "the certificate is not valid for exactly the years ordered"
			default:
				return ""
			}
		},
	}
}
