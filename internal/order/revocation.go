package order

import (
	"slices"
	"time"

	"securemailid.example/internal/fault"
)

// RevocationReason is a CRLReason (RFC 5280 5.3.1).
type RevocationReason int

// The reasons that a subscriber certificate may be revoked for. certificateHold is left out: a revoked certificate stays revoked
// (Strict forbids it, SBR 7.2.2). The reasons that speak of authorities are no subscriber's.
const (
	ReasonUnspecified          RevocationReason = 0
	ReasonKeyCompromise        RevocationReason = 1
	ReasonAffiliationChanged   RevocationReason = 3
	ReasonSuperseded           RevocationReason = 4
	ReasonCessationOfOperation RevocationReason = 5
	ReasonPrivilegeWithdrawn   RevocationReason = 9
)

// reasonWords are the reasons in the order in which they are offered.
var reasonWords = []struct {
	reason     RevocationReason
	name       string // as RFC 5280 writes it
	subscriber bool   // whether a subscriber may give it; privilegeWithdrawn is the CA's own finding
	text       fault.Text
}{
	{ReasonKeyCompromise, "keyCompromise", true, fault.Text{JA: "秘密鍵が漏えいした、または漏えいした疑いがある", EN: "The private key is compromised, or may be"}},
	{ReasonSuperseded, "superseded", true, fault.Text{JA: "別の証明書に置き換えた", EN: "Another certificate has replaced it"}},
	{ReasonAffiliationChanged, "affiliationChanged", true, fault.Text{JA: "申請団体名など、記載内容が変わった", EN: "The organisation's name or other content has changed"}},
	{ReasonCessationOfOperation, "cessationOfOperation", true, fault.Text{JA: "このメールアドレスや証明書を使わなくなった", EN: "The address or the certificate is no longer used"}},
	{ReasonUnspecified, "unspecified", true, fault.Text{JA: "その他(理由を示さない)", EN: "Another reason, or none given"}},
	{ReasonPrivilegeWithdrawn, "privilegeWithdrawn", false, fault.Text{JA: "規約違反、誤った記載など(認証局の判断)", EN: "Misuse, breach or wrong content, as the CA has found"}},
}

// SubscriberReasons are what a subscriber may choose from.
func SubscriberReasons() []RevocationReason {
	var out []RevocationReason
	for _, w := range reasonWords {
		if w.subscriber {
			out = append(out, w.reason)
		}
	}
	return out
}

// ParseRevocationReason reads a reason by its name in RFC 5280.
func ParseRevocationReason(name string) (RevocationReason, bool) {
	for _, w := range reasonWords {
		if w.name == name {
			return w.reason, true
		}
	}
	return 0, false
}

// String is the reason's name in RFC 5280, or "" for one that may not be given.
func (r RevocationReason) String() string {
	for _, w := range reasonWords {
		if w.reason == r {
			return w.name
		}
	}
	return ""
}

// Text says the reason to people.
func (r RevocationReason) Text() fault.Text {
	for _, w := range reasonWords {
		if w.reason == r {
			return w.text
		}
	}
	return fault.Text{}
}

// RevocationOrigin is who asks for a revocation, and how that is known.
type RevocationOrigin string

const (
	RevocationByMail  RevocationOrigin = "subscriber-mail"  // the subscriber's side, by a link mailed to an address of the order
	RevocationByProof RevocationOrigin = "subscriber-proof" // the subscriber, by a signature with the certificate's key
	RevocationByStaff RevocationOrigin = "staff"
	RevocationByKey   RevocationOrigin = "key-compromise" // a compromised key: every certificate with it
)

// Subscriber reports whether the request is the subscriber's own.
func (o RevocationOrigin) Subscriber() bool { return o == RevocationByMail || o == RevocationByProof }

// RevocationRequest asks to revoke one certificate, or all that hold a key. A request for reason keyCompromise means every certificate with
// the same key, and blocks the key, unless it is only claimed.
type RevocationRequest struct {
	ID        string // UUID, of the door's making: the same id again is the same request
	Origin    RevocationOrigin
	Actor     string
	Reason    RevocationReason
	Issuer    string // of the certificate, with Serial; both empty when Key names what is revoked
	Serial    string
	Key       []byte // SHA-256 of the SubjectPublicKeyInfo; RevocationByKey alone
	Note      string // free text for staff; neither published nor mailed
	Link      string // RevocationByMail: id of the link that confirms it, used up with it
	Reissue   bool   // it follows from the reissue of its certificate
	Undecided bool   // a problem report (SBR 4.9.3): staff decide within its clock
	At        time.Time
	DueAt     time.Time // when the certificate must be on a CRL (SBR 4.9.1.1)

	Reporter    string    // Undecided: mail address of whoever reported it; empty: they are told in another way
	AnswerDueAt time.Time // Undecided: when reporter and subscriber must have a preliminary answer (SBR 4.9.5)
}

// Claimed reports whether nothing but the subscriber's word says that the key is compromised: no signature with it, no finding of staff.
func (r RevocationRequest) Claimed() bool {
	return r.Reason == ReasonKeyCompromise && (r.Origin == RevocationByMail || r.Reissue)
}

// Check returns the rules that the request breaks, whatever the certificate's state.
func (r RevocationRequest) Check() []fault.Field {
	a := Actor{Actor: r.Actor}
	role := a.isStaff()
	if r.Origin.Subscriber() {
		role = a.isApplicantOrStaff() // staff at a terminal may hand in a subscriber's proof
	}
	return findings(
		role,
		oneOf("origin", r.Origin, []RevocationOrigin{RevocationByMail, RevocationByProof, RevocationByStaff, RevocationByKey}),
		r.reason(), r.named(), r.reported(), r.reporter(), multiline("note", r.Note, maxProse, true),
	)
}

func (r RevocationRequest) reason() *fault.Field {
	allowed := r.Reason.String() != ""
	if r.Origin.Subscriber() {
		allowed = slices.Contains(SubscriberReasons(), r.Reason)
	}
	if r.Origin == RevocationByKey {
		allowed = r.Reason == ReasonKeyCompromise
	}
	if allowed {
		return nil
	}
	f := field("reason", "revocation.reason", "この失効理由は指定できません。", "This reason cannot be given.", "一覧から理由を選んでください。", "Choose one of the list.")
	return &f
}

// reported sees to it that only what staff take down waits for staff.
func (r RevocationRequest) reported() *fault.Field {
	if !r.Undecided || r.Origin == RevocationByStaff {
		return nil
	}
	f := field("undecided", "contradiction", "判断を待つのは、担当者が受け付けた申し出だけです。", "Only a report that staff have taken down waits for a decision.",
		"もう一度お試しください。", "Try again.")
	return &f
}

func (r RevocationRequest) reporter() *fault.Field {
	if r.Reporter == "" {
		return nil
	}
	if !r.Undecided {
		f := field("reporter", "contradiction", "通報者を記録できるのは、通報 (--report) だけです。", "Only a report (--report) has a reporter.", "もう一度お試しください。", "Try again.")
		return &f
	}
	_, wrong := mailbox("reporter", r.Reporter)
	return wrong
}

// named sees to it that either a certificate or a key is named.
func (r RevocationRequest) named() *fault.Field {
	byKey, byCertificate := len(r.Key) == 32, r.Issuer != "" && r.Serial != ""
	if byKey != byCertificate && byKey == (r.Origin == RevocationByKey) {
		return nil
	}
	f := field("certificate", "revocation.target", "失効する証明書(または鍵)を1つ指定します。", "One certificate, or one key, is to be named.",
		"シリアル番号を確認してください。", "Check the serial number.")
	return &f
}

// RevocationDecision is what staff decide about a problem report.
type RevocationDecision struct {
	Actor  string
	Revoke bool
	Reason RevocationReason // with Revoke; may differ from the reported one
	Answer string           // without Revoke: why not
	Within time.Duration    // with Revoke: the clock of the reason, from the report on; it never gives more time than there was
	At     time.Time
}

// ReportAnswer is the preliminary answer to a problem report: what has been found so far (SBR 4.9.5).
type ReportAnswer struct {
	Actor    string
	Findings string // mailed to reporter and subscriber
	At       time.Time
}

// Check returns the rules that the answer breaks.
func (a ReportAnswer) Check() []fault.Field {
	by := Actor{Actor: a.Actor}
	return findings(by.isStaff(), multiline("findings", a.Findings, maxProse, false))
}

// Check returns the rules that the decision breaks.
func (d RevocationDecision) Check() []fault.Field {
	a := Actor{Actor: d.Actor}
	asked := RevocationRequest{Origin: RevocationByStaff, Reason: d.Reason}
	return findings(a.isStaff(), asked.reason(), multiline("answer", d.Answer, maxProse, d.Revoke))
}

// RevokedCertificate is one line of a CRL.
type RevokedCertificate struct {
	Serial    string
	RevokedAt time.Time
	Reason    RevocationReason // 0 leaves the extension out
}

// CertificateStatus is what an OCSP responder knows of a certificate.
type CertificateStatus struct {
	Issuer    string
	Serial    string
	RevokedAt time.Time // zero: not revoked
	Reason    RevocationReason
}

// CRLDraft is the content of the next list, fixed together with its number: a list of a higher number holds at least what a lower one
// does, save what has expired and was listed after that (RFC 5280 3.3).
type CRLDraft struct {
	Issuer  string
	Shard   string // empty: the one list of all certificates of the issuer; else the part that their CRL distribution points name
	Number  int64
	Revoked []RevokedCertificate
	At      time.Time // thisUpdate
}

// CRL is one published certificate revocation list.
type CRL struct {
	Issuer     string
	Shard      string // as in CRLDraft
	Number     int64
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
}

// ResponderCertificate is the certificate of a delegated OCSP signer (RFC 6960 4.2.2.2).
type ResponderCertificate struct {
	Issuer    string
	Serial    string
	Key       []byte // SHA-256 of its SubjectPublicKeyInfo
	DER       []byte
	NotBefore time.Time
	NotAfter  time.Time
}
