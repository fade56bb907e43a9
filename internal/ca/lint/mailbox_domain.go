package lint

import (
	"strings"

	"golang.org/x/net/idna"
)

// mailboxDomain: the domain of the mailbox is one of letters, digits and hyphens that DNS can hold, and its internationalised labels are
// A-labels that stand for a U-label and for no other spelling of it (RFC 5890 2.3.2.1).
func mailboxDomain() certificateLint {
	return certificateLint{
		name: "mailid_mailbox_domain", citation: "RFC 9598 4; RFC 5890 2.3.2.1; RFC 1034 3.5; SBR 7.1.4.2.1", effective: baselineRequirements(),
		check: func(in input) string {
			for _, mailbox := range in.cert.EmailAddresses {
				if problem := domainProblem(mailbox[strings.LastIndexByte(mailbox, '@')+1:]); problem != "" {
					return problem
				}
			}
			return ""
		},
	}
}

func domainProblem(domain string) string {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "a label of the mailbox's domain is none of DNS host names"
		}
		if len(label) > 3 && label[2:4] == "--" && !isALabel(label) {
			return "a label of the mailbox's domain is no A-label"
		}
	}
	switch {
	case len(domain) > 253:
		return "the mailbox's domain is longer than DNS allows"
	case strings.Trim(labels[len(labels)-1], "0123456789") == "":
		return "the mailbox's domain is an address"
	default:
		return ""
	}
}

// isALabel holds for xn-- labels that come out the same when they are decoded and encoded again.
func isALabel(label string) bool {
	unicode, err := idna.Registration.ToUnicode(label)
	if err != nil || !strings.HasPrefix(label, "xn--") {
		return false
	}
	again, err := idna.Registration.ToASCII(unicode)
	return err == nil && again == label
}
