package lint

import "crypto/x509"

// extendedKeyUsage: emailProtection alone. clientAuth would be allowed for Multipurpose, but the product is for mail.
func extendedKeyUsage() certificateLint {
	return certificateLint{
		name: "mailid_extended_key_usage", citation: "SBR 7.1.2.3f", effective: baselineRequirements(),
		check: func(in input) string {
			usages := in.cert.ExtKeyUsage
			if len(usages) != 1 || usages[0] != x509.ExtKeyUsageEmailProtection || len(in.cert.UnknownExtKeyUsage) != 0 {
				return "extKeyUsage is not emailProtection alone"
			}
			return ""
		},
	}
}
