package lint

// certificatePolicy: exactly one policy, the one that this CA is set to issue under.
func certificatePolicy() certificateLint {
	return certificateLint{
		name: "mailid_certificate_policy", citation: "SBR 7.1.2.3a, 7.1.6.1", effective: baselineRequirements(),
		check: func(in input) string {
			if len(in.cert.Policies) != 1 || in.cert.Policies[0].String() != in.policyOID {
				return "certificatePolicies is not exactly the CA's policy"
			}
			return ""
		},
	}
}
