package order

import (
	"time"

	"securemailid.example/internal/fault"
)

// EvidenceKind is what a piece of evidence proves.
type EvidenceKind string

const (
	DomainEvidence       EvidenceKind = "domain"       // control of the e-mail domain (G16 ①)
	OrganizationEvidence EvidenceKind = "organization" // the organisation and its representative's authority, by phone (G20)
)

// ReuseBasis is what shows that an application comes from those to whom the evidence belongs. A form is no identity.
type ReuseBasis string

const (
	ReuseByConfirmation ReuseBasis = "confirmation" // the representative, by a link mailed to the address that was stored with the evidence
	ReuseByPhone        ReuseBasis = "phone"        // the representative, on the phone for this very order (G20)
)

// ReuseRules is what a policy says of reuse at a moment. Evidence was gathered under the rules of a profile, and serves that profile alone.
type ReuseRules struct {
	Profile      string
	Version      string
	Domain       time.Duration // how long evidence of domain control serves, counted back from issuance (rules B)
	Organization time.Duration
	Methods      []DCVMethod   // whose evidence may be reused: what is forbidden by now may not (A8, A13)
	PhoneSources []PhoneSource // likewise for telephone numbers (D2)
}

// EvidenceRef is a piece of evidence and the order that gathered it.
type EvidenceRef struct {
	Kind  EvidenceKind `json:"kind"`
	Order string       `json:"order"`
	At    time.Time    `json:"at"` // of the validation; of several steps, the oldest
	ID    string       `json:"-"`
}

// Reusable is what an order could reuse, once its representative confirms it: nil for what it could not.
type Reusable struct {
	Organization   *EvidenceRef
	Domain         *EvidenceRef
	Representative Representative // as stored with Organization
}

// ReuseOffer asks the representative whether the application is theirs (G16).
type ReuseOffer struct {
	Order    string
	Reusable Reusable
	Letter   Letter // to the representative as stored with the evidence, with one link, of purpose reuse
	AskedAt  time.Time
	Until    time.Time // so long the order does nothing else; the link lives longer
}

// ReuseAnswer is what the representative said, by the link of an offer.
type ReuseAnswer struct {
	Order     string
	Link      string // id
	Confirmed bool
	Actor     string
	At        time.Time
}

// Reused is what an order stands on that earlier orders have proved, and where it stands now. Empty: it proves that itself.
type Reused struct {
	State        State     `json:"state"`
	AskedUntil   time.Time `json:"asked_until,omitzero"`   // so long the representative is waited for, if they were asked
	Organization string    `json:"organization,omitempty"` // number of the order that gathered the evidence
	Domain       string    `json:"domain,omitempty"`
}

// ReuseView is an order's reuse as a status shows it.
type ReuseView struct {
	AskedAt    time.Time        `json:"asked_at,omitzero"` // the representative, by mail; zero: they were not asked
	Until      time.Time        `json:"until,omitzero"`
	AnsweredAt time.Time        `json:"answered_at,omitzero"`
	Denied     bool             `json:"denied,omitempty"`  // it is not theirs: somebody else applied in their name
	Offered    []EvidenceRef    `json:"offered,omitempty"` // what the confirmation would let be reused
	Reused     []ReusedEvidence `json:"reused,omitempty"`
}

// ReusedEvidence is evidence of an earlier order that counts, or counted for a while.
type ReusedEvidence struct {
	EvidenceRef

	ReusedAt time.Time  `json:"reused_at"`
	Basis    ReuseBasis `json:"basis"`
	EndedAt  time.Time  `json:"ended_at,omitzero"`
	Why      ReuseEnd   `json:"why,omitempty"`
}

// Live returns the evidence of the kind that counts for the order at present, or nil.
func (v *ReuseView) Live(kind EvidenceKind) *ReusedEvidence {
	if v == nil {
		return nil
	}
	for i := range v.Reused {
		if v.Reused[i].Kind == kind && v.Reused[i].EndedAt.IsZero() {
			return &v.Reused[i]
		}
	}
	return nil
}

// Standing is what the order stands on, in short.
func (v *ReuseView) Standing(s State) *Reused {
	r := &Reused{State: s, AskedUntil: v.Until}
	if e := v.Live(OrganizationEvidence); e != nil {
		r.Organization = e.Order
	}
	if e := v.Live(DomainEvidence); e != nil {
		r.Domain = e.Order
	}
	return r
}

// ReuseEnd is why evidence does not count any more.
type ReuseEnd string

const (
	EndTooOld      ReuseEnd = "too-old"           // it reached its age limit before the certificate was issued
	EndInvalidated ReuseEnd = "invalidated"       // the evidence itself
	EndForbidden   ReuseEnd = "forbidden"         // the policy does not allow this kind of evidence any more
	EndCorrected   ReuseEnd = "subject-corrected" // it belongs to an organisation of another name or identifier
	EndNumber      ReuseEnd = "number-replaced"   // of evidence: another telephone number was established
	EndRejected    ReuseEnd = "order-rejected"    // of evidence: the order that gathered it was rejected
	EndDistrusted  ReuseEnd = "distrusted"        // of evidence: an order that reused it was rejected as one not to be trusted
)

// Text says it in words.
func (e ReuseEnd) Text() fault.Text {
	return map[ReuseEnd]fault.Text{
		EndTooOld:      {JA: "認証の有効期間を過ぎました", EN: "it is too old"},
		EndInvalidated: {JA: "元の認証が無効とされました", EN: "the evidence was invalidated"},
		EndForbidden:   {JA: "現在の規程では使えない方法の認証です", EN: "the policy in force does not allow this kind of evidence"},
		EndCorrected:   {JA: "申請団体名または識別番号が訂正されました", EN: "the organisation's name or identifier was corrected"},
		EndNumber:      {JA: "別の電話番号が確認されました", EN: "another telephone number was established"},
		EndRejected:    {JA: "申請が却下されました", EN: "the order was rejected"},
		EndDistrusted:  {JA: "この認証を使った申請が、信頼できないものとして却下されました", EN: "an order that relied on it was rejected as one not to be trusted"},
	}[e]
}
