package order

import (
	"slices"

	"securemailid.example/internal/csr"
)

// Limits is what a policy decides about a form; policy.Rules.Limits fills it. The zero value allows no method at all.
type Limits struct {
	Methods          []DCVMethod   // DCV methods that may be chosen (G8, rules A8)
	Unit             bool          // department as Organization Unit (G9; refused by public trust, rules E)
	Identifier       bool          // organizationIdentifier required (rules E)
	IdentifierScheme string        // scheme and country that the identifier is certified under, such as "NTRJP" (rules E)
	Blocklist        csr.Blocklist // compromised keys; nil: none known

	ReissueAfterCompromise bool // a certificate that is revoked for the compromise of its key can be issued again, with another
}

func (l Limits) allows(m DCVMethod) bool { return slices.Contains(l.Methods, m) }
