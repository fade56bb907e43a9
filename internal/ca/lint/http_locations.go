package lint

import (
	"net/url"
	"slices"
)

// httpLocations: CRL, issuer and OCSP addresses are plain http. A client that fetches them is just building the trust that https would
// need.
func httpLocations() certificateLint {
	return certificateLint{
		name: "mailid_http_locations", citation: "SBR 7.1.2.3b, 7.1.2.3c; RFC 5280 8", effective: baselineRequirements(),
		check: func(in input) string {
			if len(in.cert.CRLDistributionPoints) == 0 || len(in.cert.IssuingCertificateURL) == 0 {
				return "the address of the CRL or of the issuer's certificate is missing"
			}
			for _, a := range slices.Concat(in.cert.CRLDistributionPoints, in.cert.IssuingCertificateURL, in.cert.OCSPServer) {
				if u, err := url.Parse(a); err != nil || u.Scheme != "http" || u.Host == "" {
					return "an address of the CRL, the issuer or OCSP is not plain http"
				}
			}
			return ""
		},
	}
}
