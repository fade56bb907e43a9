package lint

// commonName: the mailbox of the subjectAltName or the organisation's name, nothing else.
func commonName() certificateLint {
	return certificateLint{
		name: "mailid_common_name", citation: "SBR 7.1.4.2.2a, 7.1.4.2.4", effective: baselineRequirements(),
		check: func(in input) string {
			for _, cn := range values(in.cert, oidCommonName) {
				mailbox := len(in.cert.EmailAddresses) == 1 && in.cert.EmailAddresses[0] == cn
				name := len(in.cert.Subject.Organization) == 1 && in.cert.Subject.Organization[0] == cn
				if !mailbox && !name {
					return "commonName is neither the mailbox nor the organisation's name"
				}
			}
			return ""
		},
	}
}
