package order

import (
	"time"

	"securemailid.example/internal/fault"
)

// CommandName is the name of a command, the same for its Update and its Signal. The names are an API.
type CommandName string

const (
	CmdPhoneNumberVerified     CommandName = "phone-number-verified"
	CmdRepresentativeReached   CommandName = "representative-reached"
	CmdRepresentativeConfirmed CommandName = "representative-confirmed"
	CmdSubjectCorrected        CommandName = "subject-corrected"
	CmdInquiryOpened           CommandName = "inquiry-opened"
	CmdInquiryAnswered         CommandName = "inquiry-answered"
	CmdReviewDecided           CommandName = "review-decided"
	CmdOrderRejected           CommandName = "order-rejected"
	CmdDomainApproved          CommandName = "domain-approved"
	CmdDomainCheckNow          CommandName = "domain-check-now"
	CmdDomainMethodChanged     CommandName = "domain-method-changed"
	CmdChallengeResent         CommandName = "challenge-resent"
	CmdOrderCancelled          CommandName = "order-cancelled"
	CmdReuseConfirmed          CommandName = "reuse-confirmed"
)

// Command is one thing that staff or the applicant do to an order. Every command says who did it.
type Command interface {
	Name() CommandName
	By() string           // the actor, such as "staff/ops" or "applicant"
	Check() []fault.Field // rules that the message breaks, whatever the order's state
}

// Actor is embedded in every command: who acts, by role and login, such as "staff/ops", as the door declares it that authenticated
// them. It is recorded, not shown to applicants.
type Actor struct {
	Actor string `json:"actor"`
}

// By returns the actor.
func (a Actor) By() string { return a.Actor }

// PhoneSource is where the organisation's telephone number was found (G20, step 1): a source that the applicant does not control.
type PhoneSource string

const (
	SourceGovernment  PhoneSource = "government"          // a register or site of a public body
	SourceDirectory   PhoneSource = "telephone-directory" // the operator's directory
	SourceDatabase    PhoneSource = "commercial-database" // profile guide only (rules D2)
	SourceAttestation PhoneSource = "attestation"         // letter of a lawyer or accountant (rules D5)
)

// PhoneNumberVerified says that the organisation's number has been established from an independent source (G20, step 1).
type PhoneNumberVerified struct {
	Actor
	Number    string      `json:"number"` // E.164 or Japanese national form
	Source    PhoneSource `json:"source"`
	Reference string      `json:"reference"` // what to look up to see it again
}

// ReachedBy is how the representative was reached (G20, step 2).
type ReachedBy string

const (
	ReachedByTransfer ReachedBy = "transferred"
	ReachedByNumber   ReachedBy = "contact-number" // the organisation gave a number of the representative
)

// RepresentativeReached says that the verified number was called and led to the representative (G20, step 2).
type RepresentativeReached struct {
	Actor
	How           ReachedBy `json:"how"`
	ContactNumber string    `json:"contact_number,omitempty"` // with contact-number
	Note          string    `json:"note,omitempty"`
}

// RepresentativeConfirmed says that the representative confirmed the application in person on the phone (G20, step 3).
type RepresentativeConfirmed struct {
	Actor
	Note string `json:"note,omitempty"`
}

// SubjectCorrected replaces the subject by what has been validated (G10). Fields left empty stay as they are.
type SubjectCorrected struct {
	Actor
	Organization string `json:"organization,omitempty"`
	Unit         string `json:"unit,omitempty"`
	RemoveUnit   bool   `json:"remove_unit,omitempty"`
	State        string `json:"state,omitempty"`
	City         string `json:"city,omitempty"`
	Identifier   string `json:"identifier,omitempty"`
	Reason       string `json:"reason"` // what showed the correct value
}

// Apply returns s with the correction.
func (c SubjectCorrected) Apply(s Subject) Subject {
	set := func(dst *string, v string) {
		if v != "" {
			*dst = v
		}
	}
	set(&s.Organization, c.Organization)
	set(&s.Unit, c.Unit)
	set(&s.State, c.State)
	set(&s.City, c.City)
	set(&s.Identifier, c.Identifier)
	if c.RemoveUnit {
		s.Unit = ""
	}
	return s
}

// InquiryOpened asks the technical contact a question; the order is not issued before it is answered (G12).
type InquiryOpened struct {
	Actor
	Question string `json:"question"`
}

// InquiryAnswered closes the open inquiry.
type InquiryAnswered struct {
	Actor
	Answer string `json:"answer"`
}

// ReviewDecided ends the review of a reissue (G26). Original is the order number or serial number of the certificate that is issued
// again; it may be left out where the request leaves no choice.
type ReviewDecided struct {
	Actor
	Approved *bool  `json:"approved"`
	Reason   string `json:"reason,omitempty"` // of a refusal: the technical contact reads it
	Original string `json:"original,omitempty"`
}

// OrderRejected ends the order: it cannot be validated. What it has gathered is never reused; with Distrust neither is what it has reused,
// by no order.
type OrderRejected struct {
	Actor
	Reason   string `json:"reason"`
	Distrust bool   `json:"distrust,omitempty"`
}

// OrderCancelled ends the order at the applicant's wish.
type OrderCancelled struct {
	Actor
	Reason string `json:"reason"`
}

// DomainApproved is the domain owner's decision on the approval page (G17). Link is the id of the approval link, which is used up by it.
type DomainApproved struct {
	Actor
	Link     string `json:"link"`
	Approved *bool  `json:"approved"`
}

// ReuseConfirmed is the representative's answer on the confirmation page: whether the application is theirs (G16). Link is the id of the
// link, which is used up by it.
type ReuseConfirmed struct {
	Actor
	Link     string `json:"link"`
	Approved *bool  `json:"approved"`
}

// DomainCheckNow looks for the proof of domain control at once.
type DomainCheckNow struct{ Actor }

// DomainMethodChanged replaces the challenge by one of another method.
type DomainMethodChanged struct {
	Actor
	Method DCVMethod `json:"method"`
}

// ChallengeResent sends the validation information again: with the same value for DNS and file, with new links for e-mail.
type ChallengeResent struct{ Actor }

func (PhoneNumberVerified) Name() CommandName     { return CmdPhoneNumberVerified }
func (RepresentativeReached) Name() CommandName   { return CmdRepresentativeReached }
func (RepresentativeConfirmed) Name() CommandName { return CmdRepresentativeConfirmed }
func (SubjectCorrected) Name() CommandName        { return CmdSubjectCorrected }
func (InquiryOpened) Name() CommandName           { return CmdInquiryOpened }
func (InquiryAnswered) Name() CommandName         { return CmdInquiryAnswered }
func (ReviewDecided) Name() CommandName           { return CmdReviewDecided }
func (OrderRejected) Name() CommandName           { return CmdOrderRejected }
func (OrderCancelled) Name() CommandName          { return CmdOrderCancelled }
func (ReuseConfirmed) Name() CommandName          { return CmdReuseConfirmed }
func (DomainApproved) Name() CommandName          { return CmdDomainApproved }
func (DomainCheckNow) Name() CommandName          { return CmdDomainCheckNow }
func (DomainMethodChanged) Name() CommandName     { return CmdDomainMethodChanged }
func (ChallengeResent) Name() CommandName         { return CmdChallengeResent }

// CommandNames lists every command.
var CommandNames = []CommandName{
	CmdPhoneNumberVerified, CmdRepresentativeReached, CmdRepresentativeConfirmed, CmdSubjectCorrected, CmdInquiryOpened,
	CmdInquiryAnswered, CmdReviewDecided, CmdOrderRejected, CmdDomainApproved, CmdDomainCheckNow, CmdDomainMethodChanged,
	CmdChallengeResent, CmdOrderCancelled, CmdReuseConfirmed,
}

// Recorded is what the record answers to a command.
type Recorded struct {
	Applied bool       // false: it had been recorded before, nothing changed
	Phone   PhoneSteps // as they stand afterwards: another number voids what was learnt by calling the one before
	Reissue *Reviewed  // with the approval of a reissue
	Reused  *Reused    // of an order that has to do with reuse: where it stands afterwards
}

// Reviewed is what the approval of a reissue settles (G26).
type Reviewed struct {
	Original    CertificateRef `json:"original"`
	Method      DCVMethod      `json:"method"`                // of the original's domain validation, to begin with
	DeadlineAt  time.Time      `json:"deadline_at,omitzero"`  // never after the original's end
	Compromised bool           `json:"compromised,omitempty"` // the original's key: it is to be revoked (SBR 4.9.1.1)
}

// Outcome is the answer to a command.
type Outcome struct {
	Order   string     `json:"order"`
	State   State      `json:"state"`
	Applied bool       `json:"applied"` // false: it had been recorded before, nothing changed
	Found   bool       `json:"found,omitempty"`
	Text    fault.Text `json:"text"`
}

// maxMessage bounds what a command may weigh, in bytes of JSON.
const maxMessage = 16 << 10

// DecodeCommand reads the JSON of the named command strictly: an unknown or repeated field, a missing required one, a wrong type, null or
// nothing at all are refused with a fault that names the field. It never changes a message to make it fit.
func DecodeCommand(name CommandName, data []byte) (Command, error) {
	switch name {
	case CmdPhoneNumberVerified:
		return decode[PhoneNumberVerified](data)
	case CmdRepresentativeReached:
		return decode[RepresentativeReached](data)
	case CmdRepresentativeConfirmed:
		return decode[RepresentativeConfirmed](data)
	case CmdSubjectCorrected:
		return decode[SubjectCorrected](data)
	case CmdInquiryOpened:
		return decode[InquiryOpened](data)
	case CmdInquiryAnswered:
		return decode[InquiryAnswered](data)
	case CmdReviewDecided:
		return decode[ReviewDecided](data)
	case CmdOrderRejected:
		return decode[OrderRejected](data)
	case CmdDomainApproved:
		return decode[DomainApproved](data)
	case CmdDomainCheckNow:
		return decode[DomainCheckNow](data)
	case CmdDomainMethodChanged:
		return decode[DomainMethodChanged](data)
	case CmdChallengeResent:
		return decode[ChallengeResent](data)
	case CmdOrderCancelled:
		return decode[OrderCancelled](data)
	case CmdReuseConfirmed:
		return decode[ReuseConfirmed](data)
	default:
		return nil, fault.New(fault.Invalid, "command.unknown", "このような操作はありません。", "There is no such command.")
	}
}

// decode is strict about names and types first, then about what the command says.
//
//workflowcheck:ignore encoding/json and reflect are deterministic; the checker sees the runtime behind their panics.
func decode[C Command](data []byte) (Command, error) {
	var c C
	if reason := strictJSON(data, maxMessage, &c); reason != nil {
		return nil, reason.fault("command.malformed")
	}
	if err := fault.InvalidFields(c.Check()); err != nil {
		return nil, err
	}
	return c, nil
}
