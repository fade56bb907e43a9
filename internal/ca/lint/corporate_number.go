package lint

import (
	"strings"

	"securemailid.example/internal/order"
)

// corporateNumber: a Japanese corporate number has the right check digit. The register number of NTRJP is its last 12 digits and
// has none.
func corporateNumber() certificateLint {
	return certificateLint{
		name: "mailid_corporate_number", citation: "SBR 7.1.4.2.2d; 法人番号の指定等に関する省令 (check digit of corporate numbers)", effective: baselineRequirements(),
		check: func(in input) string {
			for _, id := range values(in.cert, oidOrganizationID) {
				if number, ok := strings.CutPrefix(id, "VATJP-"); ok && !order.CorporateNumberValid(number) {
					return "the check digit of the corporate number is wrong"
				}
			}
			return ""
		},
	}
}
