package order

import (
	"regexp"
	"slices"

	"securemailid.example/internal/fault"
)

// Upper bounds of what a command carries, in characters.
const (
	maxActor     = 64
	maxReference = 500
	maxProse     = 2000 // questions, answers, reasons, notes
)

// The roles that are not staff.
const (
	applicant      = "applicant"
	domainOwner    = "domain-owner"
	representative = "representative"
)

// staffSyntax is a member of staff, by login.
var staffSyntax = regexp.MustCompile(`^staff/[A-Za-z0-9][A-Za-z0-9._@+-]*$`)

// linkSyntax is a UUID in its canonical form (RFC 9562 4).
var linkSyntax = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

var phoneSources = []PhoneSource{SourceGovernment, SourceDirectory, SourceDatabase, SourceAttestation}

// The checks run inside workflows and again on every replay, and must then answer for an old message as they did on the day. So
// they ask no data that comes with a library: a telephone number is judged by its shape here and by the numbering plan at the doors
// (JapanesePhone), a subject by its characters here and by the policy's limits when it is applied (CheckSubject).

// Check returns the rules that the message breaks.
func (c PhoneNumberVerified) Check() []fault.Field {
	return findings(c.isStaff(), shape("number", c.Number), oneOf("source", c.Source, phoneSources), multiline("reference", c.Reference, maxReference, false))
}

// Check returns the rules that the message breaks.
func (c RepresentativeReached) Check() []fault.Field {
	return findings(c.isStaff(), oneOf("how", c.How, []ReachedBy{ReachedByTransfer, ReachedByNumber}), c.contactNumber(), note(c.Note))
}

// contactNumber is there exactly if the representative was reached by it.
func (c RepresentativeReached) contactNumber() *fault.Field {
	switch {
	case c.How == ReachedByNumber:
		return shape("contact_number", c.ContactNumber)
	case c.ContactNumber != "":
		f := field("contact_number", "contradiction", "連絡先電話番号はcontact-numberの場合のみ入力します。", "A contact number belongs to contact-number only.",
			"howを確認してください。", "Check how.")
		return &f
	default:
		return nil
	}
}

// Check returns the rules that the message breaks.
func (c RepresentativeConfirmed) Check() []fault.Field { return findings(c.isStaff(), note(c.Note)) }

// Check returns the rules that the message breaks.
func (c SubjectCorrected) Check() []fault.Field {
	fields := findings(c.isStaff(), c.something())
	fields = append(fields, subjectFields(c.Organization, c.Unit, c.State, c.City, true)...)
	return append(fields, findings(c.identifier(), prose("reason", c.Reason))...)
}

// something is what a correction must contain, and contain once.
func (c SubjectCorrected) something() *fault.Field {
	switch {
	case c.Unit != "" && c.RemoveUnit:
		f := field("remove_unit", "contradiction", "部門名の変更と削除は同時にできません。", "A unit cannot be both set and removed.",
			"どちらか一方にしてください。", "Do one of the two.")
		return &f
	case c.Organization+c.Unit+c.State+c.City+c.Identifier == "" && !c.RemoveUnit:
		f := field("organization", "required", "訂正する項目が1つ以上必要です。", "A correction needs at least one field.",
			"訂正後の値を入力してください。", "Enter the corrected value.")
		return &f
	default:
		return nil
	}
}

func (c SubjectCorrected) identifier() *fault.Field {
	if c.Identifier == "" || identifierSyntax.MatchString(c.Identifier) {
		return nil
	}
	f := field("identifier", "identifier", "識別番号は「NTRJP-」または「VATJP-」に12桁か13桁の数字を続けます。",
		"An identifier is NTRJP- or VATJP- and 12 or 13 digits.", "例) NTRJP-012345678901", "Enter it as in NTRJP-012345678901.")
	return &f
}

// Check returns the rules that the message breaks.
func (c InquiryOpened) Check() []fault.Field {
	return findings(c.isStaff(), prose("question", c.Question))
}

// Check returns the rules that the message breaks.
func (c InquiryAnswered) Check() []fault.Field {
	return findings(c.isApplicantOrStaff(), prose("answer", c.Answer))
}

// Check returns the rules that the message breaks: a refusal needs a reason.
func (c ReviewDecided) Check() []fault.Field {
	approved := c.Approved != nil && *c.Approved
	return findings(c.isStaff(), decided(c.Approved), multiline("reason", c.Reason, maxProse, approved), c.named())
}

// named checks the name of the original. An address would not tell the candidates apart; so it is left to library data, which no
// check may ask.
func (c ReviewDecided) named() *fault.Field {
	if c.Original == "" || orderNumber.MatchString(c.Original) || serial(c.Original) != "" {
		return nil
	}
	f := field("original", "original", "オーダー番号またはシリアル番号です。", "An order number or a serial number.",
		"候補の証明書から選んでください。", "Choose one of the candidates.")
	return &f
}

// Check returns the rules that the message breaks.
func (c OrderRejected) Check() []fault.Field { return findings(c.isStaff(), prose("reason", c.Reason)) }

// Check returns the rules that the message breaks.
func (c OrderCancelled) Check() []fault.Field {
	return findings(c.isApplicantOrStaff(), prose("reason", c.Reason))
}

// Check returns the rules that the message breaks.
func (c DomainApproved) Check() []fault.Field {
	return findings(c.isDomainOwner(), namedLink(c.Link), decided(c.Approved))
}

// Check returns the rules that the message breaks.
func (c ReuseConfirmed) Check() []fault.Field {
	return findings(c.isRepresentative(), namedLink(c.Link), decided(c.Approved))
}

// Check returns the rules that the message breaks.
func (c DomainCheckNow) Check() []fault.Field { return findings(c.isApplicantOrStaff()) }

// Check returns the rules that the message breaks.
func (c DomainMethodChanged) Check() []fault.Field {
	return findings(c.isApplicantOrStaff(), knownMethod("method", c.Method))
}

// Check returns the rules that the message breaks.
func (c ChallengeResent) Check() []fault.Field { return findings(c.isApplicantOrStaff()) }

// Who may send what. The roles are checked here, where every door decodes: the actor itself is only what the door declares, and a
// door declares it after its own authentication. So a form of the applicant's cannot take a phone step or correct a subject, and
// only the holder of an approval link decides for the domain.

func (a Actor) staff() bool { return len(a.Actor) <= maxActor && staffSyntax.MatchString(a.Actor) }

func (a Actor) isStaff() *fault.Field {
	if a.staff() {
		return nil
	}
	f := field("actor", "actor", "この操作は審査担当者 (staff/ログイン名、64文字以内) だけが行えます。", "Only staff (staff/login, at most 64 characters) may do this.",
		"例) staff/ops", "Enter it as in staff/ops.")
	return &f
}

func (a Actor) isApplicantOrStaff() *fault.Field {
	if a.Actor == applicant || a.staff() {
		return nil
	}
	f := field("actor", "actor", "この操作は申請者 (applicant) または審査担当者 (staff/ログイン名、64文字以内) だけが行えます。",
		"Only the applicant or staff (staff/login, at most 64 characters) may do this.", "例) staff/ops、applicant", "Enter it as in staff/ops, or applicant.")
	return &f
}

func (a Actor) isDomainOwner() *fault.Field {
	if a.Actor == domainOwner {
		return nil
	}
	f := field("actor", "actor", "この操作はドメインの管理者 (domain-owner) だけが、承認ページから行えます。",
		"Only the domain owner (domain-owner) may do this, on the approval page.", "届いたメールのリンクを開いてください。", "Open the link in the approval mail.")
	return &f
}

func (a Actor) isRepresentative() *fault.Field {
	if a.Actor == representative {
		return nil
	}
	f := field("actor", "actor", "この操作は申請責任者 (representative) だけが、確認ページから行えます。",
		"Only the applicant representative (representative) may do this, on the confirmation page.", "届いたメールのリンクを開いてください。", "Open the link in the mail.")
	return &f
}

// findings returns the rules that are broken.
func findings(checks ...*fault.Field) []fault.Field {
	var out []fault.Field
	for _, f := range checks {
		if f != nil {
			out = append(out, *f)
		}
	}
	return out
}

func shape(path, number string) *fault.Field {
	if number == "" {
		return required(path)
	}
	if _, ok := phoneDigits(number); !ok {
		return wrongPhone(path)
	}
	return nil
}

func prose(path, s string) *fault.Field { return multiline(path, s, maxProse, false) }

func note(s string) *fault.Field { return multiline("note", s, maxProse, true) }

func namedLink(id string) *fault.Field {
	if linkSyntax.MatchString(id) {
		return nil
	}
	f := field("link", "link", "リンクのIDは小文字のUUIDです。", "The id of a link is a lower-case UUID.",
		"メールのリンクから開いたページで操作してください。", "Use the page behind the link in the mail.")
	return &f
}

func decided(approved *bool) *fault.Field {
	if approved == nil {
		return required("approved")
	}
	return nil
}

func oneOf[T ~string](path string, value T, known []T) *fault.Field {
	if slices.Contains(known, value) {
		return nil
	}
	list := ""
	for i, k := range known {
		if i > 0 {
			list += ", "
		}
		list += string(k)
	}
	f := field(path, "choice", "次のいずれかです: "+list, "One of: "+list, "いずれか1つを選択してください。", "Choose one of them.")
	return &f
}
