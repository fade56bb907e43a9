package order

import (
	"time"

	"securemailid.example/internal/fault"
)

// Party is one from whom something is awaited.
type Party string

const (
	PartyTechnicalContact Party = "technical-contact"
	PartyDomainOwner      Party = "domain-owner"
	PartyStaff            Party = "staff"
	PartyCA               Party = "ca"
	PartyRepresentative   Party = "representative"
)

// Awaited is one thing that an order waits for, and from whom.
type Awaited struct {
	Code  string     `json:"code"` // such as "dns-record", "file", "domain-approval", "phone-number", "inquiry-answer"
	Party Party      `json:"party"`
	Text  fault.Text `json:"text"`
}

// Event is one line of an order's timeline, from the audit trail.
type Event struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Detail string    `json:"detail,omitempty"`
}

// Instruction is what the technical contact must publish (G18, G19).
type Instruction struct {
	RecordName  string `json:"record_name,omitempty"` // DNS methods: owner name
	RecordType  string `json:"record_type,omitempty"` // "TXT" or "CNAME"
	RecordValue string `json:"record_value,omitempty"`
	FileURL     string `json:"file_url,omitempty"` // file method (G18)
	FileContent string `json:"file_content,omitempty"`
}

// ChallengeView is the domain challenge as a status shows it.
type ChallengeView struct {
	ID          string     `json:"id"`
	Sequence    int        `json:"sequence"`
	Method      DCVMethod  `json:"method"`
	Token       string     `json:"token,omitempty"` // empty for e-mail
	Instruction            // what to publish; empty for e-mail
	OpenedAt    time.Time  `json:"opened_at"`
	ExpiresAt   time.Time  `json:"expires_at"` // age limit of the random value
	Checks      int        `json:"checks"`
	LastCheckAt time.Time  `json:"last_check_at,omitzero"`
	LastFinding fault.Text `json:"last_finding,omitzero"`
	NextCheckAt time.Time  `json:"next_check_at,omitzero"`
	SatisfiedAt time.Time  `json:"satisfied_at,omitzero"`
	EndedAt     time.Time  `json:"ended_at,omitzero"`    // replaced, or its order has ended
	MailsAfter  time.Time  `json:"mails_after,omitzero"` // e-mail: its domain had too many approval mails, so nobody was asked; they can be sent from then on
}

// PhoneSteps are the times at which the steps of organisation validation were recorded (G20); zero: not yet.
type PhoneSteps struct {
	NumberVerifiedAt time.Time `json:"number_verified_at,omitzero"`
	ReachedAt        time.Time `json:"reached_at,omitzero"`
	ConfirmedAt      time.Time `json:"confirmed_at,omitzero"`
}

// Done reports whether all three steps are recorded.
func (p PhoneSteps) Done() bool {
	return !p.NumberVerifiedAt.IsZero() && !p.ReachedAt.IsZero() && !p.ConfirmedAt.IsZero()
}

// LetterView is a mail's fate as staff see it.
type LetterView struct {
	Kind      LetterKind  `json:"kind"`
	Recipient string      `json:"recipient"`
	State     LetterState `json:"state"`
	Attempts  int         `json:"attempts"`
	LastReply string      `json:"last_reply,omitempty"` // the server's answer, shortened
	SentAt    time.Time   `json:"sent_at,omitzero"`
}

// CertificateView is an issued certificate as a status shows it.
type CertificateView struct {
	Sequence  int       `json:"sequence"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	IssuedAt  time.Time `json:"issued_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	Reason    string    `json:"revocation_reason,omitempty"` // as RFC 5280 names it
}

// Inquiry is a question to the technical contact (G12).
type Inquiry struct {
	OpenedAt   time.Time `json:"opened_at"`
	Question   string    `json:"question"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	Answer     string    `json:"answer,omitempty"`
}

// Status is everything that is known of an order, read from the record.
type Status struct {
	Number           string            `json:"number"`
	Type             Type              `json:"type"`
	State            State             `json:"state"`
	StateSince       time.Time         `json:"state_since"`
	Language         Language          `json:"language"`
	Domain           string            `json:"domain"`
	CertificateEmail string            `json:"certificate_email"`
	ValidityYears    int               `json:"validity_years"`
	Application      Application       `json:"-"`
	Subject          Subject           `json:"subject"` // as corrected
	CreatedAt        time.Time         `json:"created_at"`
	DeadlineAt       time.Time         `json:"deadline_at"`
	Reason           string            `json:"reason,omitempty"` // of an end without a certificate
	Reached          State             `json:"reached"`          // the last state before the end, or the present one: how far it has come
	Blocked          fault.Text        `json:"blocked,omitzero"` // why no certificate can be issued at present, for staff
	BlockedAt        time.Time         `json:"blocked_at,omitzero"`
	Awaited          []Awaited         `json:"awaited"`
	Challenge        *ChallengeView    `json:"challenge,omitempty"`
	Phone            PhoneSteps        `json:"phone"`
	PhoneNumber      string            `json:"phone_number,omitempty"` // as verified, for staff (G20, step 1)
	PhoneSource      PhoneSource       `json:"phone_source,omitempty"`
	PhoneReference   string            `json:"phone_reference,omitempty"`
	Inquiries        []Inquiry         `json:"inquiries,omitempty"`
	Refusals         int               `json:"refusals"` // staff messages that could not be applied
	Letters          []LetterView      `json:"letters,omitempty"`
	Certificates     []CertificateView `json:"certificates,omitempty"`
	Reissue          *ReissueView      `json:"reissue,omitempty"`
	Reissues         []ReissueOf       `json:"reissues,omitempty"`    // requests for the reissue of its certificates, oldest first
	Revocations      []Revocation      `json:"revocations,omitempty"` // requests about its certificates, oldest first
	Reuse            *ReuseView        `json:"reuse,omitempty"`
	Renews           *Renewed          `json:"renews,omitempty"` // renewal: nil if there was no certificate to renew
	Timeline         []Event           `json:"timeline"`
}

// Summary is one line of an order list.
type Summary struct {
	Number     string    `json:"number"`
	Type       Type      `json:"type"`
	State      State     `json:"state"`
	StateSince time.Time `json:"state_since"`
	Domain     string    `json:"domain"`
	DeadlineAt time.Time `json:"deadline_at"`
	Awaited    []Awaited `json:"awaited"`
	NeedsStaff bool      `json:"needs_staff"`
}

// Progress is the part of a status that decides what is awaited.
type Progress struct {
	State       State
	Method      DCVMethod
	Phone       PhoneSteps
	OpenInquiry bool
	ReuseAsked  bool // the representative is asked whether earlier validations may be reused; nothing else is done meanwhile
	MailsHeld   bool // nobody was asked to approve, since the domain had too many such mails
	PhoneReused bool // the organisation was validated by phone for an earlier order
	Blocked     bool // something that only staff can settle keeps the certificate from being issued
}

// Awaited returns what an order in this progress waits for, the most pressing first. Phone steps can be taken from the
// day of submission, so they are awaited from staff while the domain is still open.
func (p Progress) Awaited() []Awaited {
	var out []Awaited
	add := func(code string, party Party, ja, en string) {
		out = append(out, Awaited{Code: code, Party: party, Text: fault.Text{JA: ja, EN: en}})
	}
	if p.State.Final() {
		return nil
	}
	if p.Blocked {
		add("blocked", PartyStaff, "発行を妨げている問題の解決", "settling what keeps the certificate from being issued")
	}
	if p.OpenInquiry {
		add("inquiry-answer", PartyTechnicalContact, "お問い合わせへのご回答", "an answer to our question")
	}
	if p.State == Review {
		add("review", PartyStaff, "再発行内容の確認", "review of the reissue request")
	}
	if p.ReuseAsked && (p.State == Accepted || p.State == DomainValidation) {
		add("reuse-confirmation", PartyRepresentative, "申請責任者による、登録済みのメールアドレスでの確認", "confirmation by the applicant representative, from the mail to the registered address")
		return out
	}
	if p.State == Accepted || p.State == DomainValidation {
		out = append(out, p.domain()...)
	}
	if p.State != Issuing && p.State != Review && !p.PhoneReused {
		out = append(out, p.Phone.awaited()...)
	}
	if len(out) == 0 {
		add("issuance", PartyCA, "証明書の発行", "issuance of the certificate")
	}
	return out
}

// domain returns what is awaited for the domain.
func (p Progress) domain() []Awaited {
	if p.MailsHeld && p.Method == DCVEmail {
		return []Awaited{{"approval-mails", PartyTechnicalContact, fault.Text{JA: "承認メールの再送（後日）、または認証方式の変更", EN: "having the approval mails sent later, or another validation method"}}}
	}
	return p.Method.awaited()
}

// awaited returns what proves control of the domain by this method (G17–G19).
func (m DCVMethod) awaited() []Awaited {
	switch m {
	case DCVEmail:
		return []Awaited{{"domain-approval", PartyDomainOwner, fault.Text{JA: "ドメイン認証メールでの承認", EN: "approval in the domain validation mail"}}}
	case DCVFile:
		return []Awaited{{"file", PartyTechnicalContact, fault.Text{JA: "認証ファイルの設置", EN: "the validation file on the web server"}}}
	case DCVTXT, DCVCNAME:
		return []Awaited{{"dns-record", PartyTechnicalContact, fault.Text{JA: "DNSレコードの登録", EN: "the DNS record"}}}
	default:
		return nil
	}
}

// awaited returns the phone steps that are still to be taken (G20).
func (p PhoneSteps) awaited() []Awaited {
	var out []Awaited
	for _, step := range []struct {
		at     time.Time
		code   string
		ja, en string
	}{
		{p.NumberVerifiedAt, "phone-number", "申請団体の電話番号の確認", "the organisation's telephone number from an independent source"},
		{p.ReachedAt, "phone-reach", "申請責任者への取次ぎ", "reaching the applicant representative by phone"},
		{p.ConfirmedAt, "phone-confirm", "申請責任者本人への電話確認", "confirmation by the representative on the phone"},
	} {
		if step.at.IsZero() {
			out = append(out, Awaited{Code: step.code, Party: PartyStaff, Text: fault.Text{JA: step.ja, EN: step.en}})
		}
	}
	return out
}
