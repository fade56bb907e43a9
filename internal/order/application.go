// Package order is the domain: what an applicant asks for, who stands behind it, the states an order passes and the
// commands that move it. It is pure: no clock, no socket, no database.
package order

import "securemailid.example/internal/fault"

// Language is the language that an order's mails and pages are written in.
type Language string

const (
	Japanese Language = "ja"
	English  Language = "en"
)

// Type is the application type (G3, G24).
type Type string

const (
	New     Type = "new"
	Renewal Type = "renewal"
	Reissue Type = "reissue"
)

// DCVMethod is a way to prove control of the e-mail domain (G8).
type DCVMethod string

const (
	DCVEmail DCVMethod = "email"     // G17
	DCVFile  DCVMethod = "file"      // G18
	DCVTXT   DCVMethod = "dns-txt"   // G19
	DCVCNAME DCVMethod = "dns-cname" // G19
)

// DCVMethods lists every method in the order of the guide.
var DCVMethods = []DCVMethod{DCVEmail, DCVFile, DCVTXT, DCVCNAME}

// Product, SignatureAlgorithm, KeyLength and Country are fixed and shown (G5, G9).
const (
	Product            = "Secure Mail ID"
	SignatureAlgorithm = "RSA SHA-2 (SHA-256)"
	KeyLength          = 2048
	Country            = "JP"
)

// Application is the form for a new certificate or a renewal (G2–G13). The field names are those of the order file.
type Application struct {
	Language         Language         `json:"language"`
	Voucher          string           `json:"voucher"` // coupon of 16 digits or voucher code of 32 characters (G2); never stored
	Type             Type             `json:"type"`
	ValidityYears    int              `json:"validity_years"` // 1 or 2 (G4)
	CSR              string           `json:"csr"`            // PEM, or base64 of DER (G6)
	CertificateEmail string           `json:"certificate_email"`
	DCVMethod        DCVMethod        `json:"dcv_method"`
	Organization     Organization     `json:"organization"`
	Representative   Representative   `json:"representative"`
	TechnicalContact TechnicalContact `json:"technical_contact"`
	TermsAccepted    bool             `json:"terms_accepted"` // G13
}

// Organization is the applying organisation (G9). Fields marked ★ go into the certificate.
type Organization struct {
	NameJA     string `json:"name_ja"`
	Name       string `json:"name"`                 // ★ Organization, in English (an alphabet is recommended, not forced: G10)
	Unit       string `json:"unit,omitempty"`       // ★ Organization Unit
	State      string `json:"state"`                // ★ State/Province
	City       string `json:"city"`                 // ★ City/Locality
	Street     string `json:"street"`               // collected, not in the certificate
	PostalCode string `json:"postal_code"`          // 123-4567
	Telephone  string `json:"telephone"`            // stored as E.164
	Identifier string `json:"identifier,omitempty"` // corporate number (13 digits) or registration number; needed by public-trust (rules E)
}

// Representative is the applicant representative (申請責任者), who speaks for the organisation (G11).
type Representative struct {
	Department   string `json:"department"`
	FamilyNameJA string `json:"family_name_ja"`
	GivenNameJA  string `json:"given_name_ja"`
	FamilyName   string `json:"family_name"`
	GivenName    string `json:"given_name"`
	Email        string `json:"email"`
}

// TechnicalContact is the technical contact (技術担当者), asked when something is unclear (G12).
type TechnicalContact struct {
	Company    string `json:"company"`
	Department string `json:"department"`
	FamilyName string `json:"family_name"`
	GivenName  string `json:"given_name"`
	Telephone  string `json:"telephone"`
	Email      string `json:"email"`
}

// Subject is what the certificate says of the organisation (★ of G9). Country is fixed.
type Subject struct {
	Organization string `json:"organization"`
	Unit         string `json:"unit,omitempty"`
	State        string `json:"state"`
	City         string `json:"city"`
	Identifier   string `json:"identifier,omitempty"` // organizationIdentifier with its scheme, such as NTRJP-…; empty under profile guide
}

// Subject returns the subject as the normalised form asks for it; the form wins over the CSR (G6). A registration number is certified
// only under a scheme, which Validate puts in front of it where the policy asks for one (rules E).
func (a Application) Subject() Subject {
	o := a.Organization
	s := Subject{Organization: o.Name, Unit: o.Unit, State: o.State, City: o.City}
	if identifierSyntax.MatchString(o.Identifier) {
		s.Identifier = o.Identifier
	}
	return s
}

// Submission is one application handed in under an idempotency key.
type Submission struct {
	Number      string      `json:"number"` // order number: 10 digits, random, the first not 0
	Key         string      `json:"-"`      // idempotency key; the same key is the same order
	Application Application `json:"application"`
	VoucherHash []byte      `json:"-"` // nil for a reissue (G24)

	Request *NormalizedReissue `json:"-"` // a reissue going in: the record finds the original and makes the application of it
	Reissue *ReissueFacts      `json:"-"` // a reissue as the record has it
}

// Receipt is the answer to an accepted submission.
type Receipt struct {
	Number   string `json:"number"`
	Repeated bool   `json:"repeated"` // the same submission had been accepted before
}

// field is a shorthand for one broken rule.
func field(path, code, ruleJA, ruleEN, remedyJA, remedyEN string) fault.Field {
	return fault.Field{Path: path, Code: code, Rule: fault.Text{JA: ruleJA, EN: ruleEN}, Remedy: fault.Text{JA: remedyJA, EN: remedyEN}}
}
