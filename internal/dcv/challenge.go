package dcv

import (
	"time"

	"securemailid.example/internal/order"
)

// FilePath is where the file method looks on the web server of the domain (G18, A11).
const FilePath = "/.well-known/pki-validation/fileauth.txt"

// MaxFile is the largest file that the file method reads, in bytes.
const MaxFile = 4096

// Instruction says what has to be published for the challenge (G18, G19); it is empty for the e-mail method.
func (c Challenge) Instruction() Instruction {
	switch c.Method {
	case order.DCVTXT:
		return Instruction{RecordName: c.Domain, RecordType: "TXT", RecordValue: c.Token}
	case order.DCVCNAME:
		return Instruction{RecordName: c.Token + "." + c.Domain, RecordType: "CNAME", RecordValue: c.Target}
	case order.DCVFile:
		return Instruction{FileURL: "http://" + c.Domain + FilePath, FileContent: c.Token}
	default:
		return Instruction{}
	}
}

// Expired reports whether the random value is past its age limit at now. A challenge without a limit counts as expired: no value
// lives for ever.
func (c Challenge) Expired(now time.Time) bool { return !now.Before(c.ExpiresAt) }

// constructedLocalParts are the prescribed local parts of G17 and A8.
var constructedLocalParts = [...]string{"admin", "administrator", "webmaster", "hostmaster", "postmaster"}

// ConstructedAddresses returns the addresses at the domain that are asked for approval besides those of WHOIS (G17, A8).
func ConstructedAddresses(domain string) []string {
	addresses := make([]string, len(constructedLocalParts))
	for i, local := range constructedLocalParts {
		addresses[i] = local + "@" + domain
	}
	return addresses
}
