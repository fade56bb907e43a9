package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// statusView is what the holder of a status link may know of an order and do about it. Mails are forwarded, so it holds no telephone
// number, no address of a person but the certificate's and, masked, the technical contact's, and nothing that staff tell each other: no
// actor, no refused message, no reason, nothing of what blocks an issuance.
type statusView struct {
	Path   string
	Tokens map[string]string // form tokens by action
	Form   form
	Notice *noticeView
	Flash  *flashView

	Number       string
	Organization string
	Email        string
	Domain       string
	Contact      string // masked
	Type         order.Type
	Years        int
	CreatedAt    time.Time
	Deadline     time.Time // zero once the order has ended
	LinkExpires  time.Time

	State       order.State
	Now         fault.Text // what the order waits for first, or its end, in a sentence
	Line        []stageView
	Theirs      []fault.Text // what is awaited from the applicant's side
	Ours        []fault.Text // what the CA does
	Phone       *order.PhoneSteps
	Challenge   *challengeView
	Question    string       // that waits for its answer
	Reused      []reusedView // earlier validations that count
	Renews      *order.Renewed
	Methods     *choicesView
	Cancellable bool
	Certificate *order.CertificateView
	Revoked     *fault.Text     // why the certificate has been revoked; nil if it has not
	Certified   []certifiedView // what the certificate says, or will
	Corrected   bool            // other than what was entered (G10)
}

// certifiedView is a field of the certificate's subject.
type certifiedView struct {
	Field   string
	Value   string // empty: the certificate does not have it
	Entered string // where that is something else
	Differs bool
}

// challengeView is the domain challenge that is open.
type challengeView struct {
	order.ChallengeView
	Kind       string // "email", "file" or "dns"
	Recipients []recipientView
}

// recipientView is an address that was asked for approval.
type recipientView struct {
	Address string // masked unless it is one of the prescribed ones
	State   order.LetterState
}

// stageView is one stage of the progress line.
type stageView struct {
	State order.State
	Mark  string // "done", "now", "todo", "ended" or, behind an end, "never"
}

func (p *portal) statusView(w http.ResponseWriter, r *http.Request, v visited, f form) statusView {
	s, l := v.status, p.language(r)
	view := statusView{
		Path: v.path, Tokens: p.formTokens(w, r, v.path), Form: f,
		Number: s.Number, Organization: organizationIn(s.Application.Organization, l), Email: s.CertificateEmail, Domain: readable(s.Domain),
		Contact: masked(s.Application.TechnicalContact.Email), Type: s.Type, Years: s.ValidityYears, CreatedAt: s.CreatedAt, LinkExpires: v.link.ExpiresAt,
		State: s.State, Now: p.texts["status.now."+string(s.State)], Line: line(s), Reused: reusedBy(s), Renews: s.Renews,
	}
	view.Certified, view.Corrected = certified(s)
	if s.Type == order.Reissue {
		view.Years = 0 // it ends when its original ends (G25)
	}
	if s.State == order.Issued && len(s.Certificates) > 0 {
		view.Certificate = &s.Certificates[len(s.Certificates)-1]
		view.Revoked = revokedFor(*view.Certificate)
	}
	if s.State.Final() {
		return view
	}
	view.Deadline, view.Cancellable = s.DeadlineAt, s.State != order.Issuing
	p.await(&view, s)
	if n := len(s.Inquiries); n > 0 && s.Inquiries[n-1].AnsweredAt.IsZero() && view.Cancellable {
		view.Question = s.Inquiries[n-1].Question
	}
	if c := s.Challenge; c != nil && c.SatisfiedAt.IsZero() && (s.State == order.DomainValidation || s.State == order.Accepted) {
		view.Challenge = &challengeView{ChallengeView: *c, Kind: procedure(c.Method)}
		if c.Method == order.DCVEmail && c.MailsAfter.IsZero() {
			view.Challenge.Recipients = recipients(s)
		}
		view.Methods = p.otherMethods(f, c.Method)
	}
	return view
}

// revokedFor says why a certificate has been revoked. That is what its holder has to know of it, whatever went before.
func revokedFor(c order.CertificateView) *fault.Text {
	if c.RevokedAt.IsZero() {
		return nil
	}
	reason, _ := order.ParseRevocationReason(c.Reason)
	text := reason.Text()
	return &text
}

// certified is what the certificate says, or will say, beside what was entered. An order that ends without one says nothing.
func certified(s order.Status) (fields []certifiedView, corrected bool) {
	if s.State.Final() && s.State != order.Issued || s.Reissue != nil && s.Reissue.Original == nil { // before staff have chosen it nothing is known of it
		return nil, false
	}
	differs := map[string]order.Correction{}
	for _, c := range s.Subject.CorrectedFrom(s.Application.Subject()) {
		differs[c.Field] = c
	}
	for _, f := range s.Subject.Fields() {
		c, other := differs[f.Name]
		if f.Value != "" || other {
			fields = append(fields, certifiedView{Field: f.Name, Value: f.Value, Entered: c.Entered, Differs: other})
		}
	}
	return fields, len(differs) > 0
}

// await sorts what the order waits for by whose turn it is. The three phone steps are one thing to whoever waits for them, and what
// blocks an issuance is for staff.
func (p *portal) await(v *statusView, s order.Status) {
	for i, a := range s.Awaited {
		code, list, unknown := a.Code, &v.Theirs, a.Text
		if a.Party == order.PartyStaff || a.Party == order.PartyCA {
			list, unknown = &v.Ours, p.texts["status.awaited.staff"]
		}
		if strings.HasPrefix(code, "phone-") {
			code, v.Phone = "phone", &s.Phone
		}
		if i == 0 {
			v.Now = p.textOr("status.now."+code, unknown)
		}
		if text := p.textOr("status.awaited."+code, unknown); !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
}

// textOr is the text of the key, or another one where there is none.
func (p *portal) textOr(key string, other fault.Text) fault.Text {
	if t, ok := p.texts[key]; ok {
		return t
	}
	return other
}

// line is the progress line: what is behind, where the order is, what is to come. Of an order that ended without a certificate it shows
// how far it had come.
func line(s order.Status) []stageView {
	all := []order.State{order.Accepted, order.DomainValidation, order.OrganizationValidation, order.Issuing, order.Issued}
	if s.Type == order.Reissue {
		all = slices.Insert(all, 1, order.Review)
	}
	now := slices.Index(all, s.State)
	ended := s.State.Final() && s.State != order.Issued
	if ended {
		now = max(0, slices.Index(all, s.Reached))
	}
	if now == 0 && !ended {
		now = 1 // what is accepted is behind
	}
	out := make([]stageView, len(all))
	for i, state := range all {
		out[i] = stageView{State: state, Mark: "todo"}
		switch {
		case i < now, s.State == order.Issued:
			out[i].Mark = "done"
		case i == now && ended:
			out[i].Mark = "ended"
		case i == now:
			out[i].Mark = "now"
		case ended:
			out[i].Mark = "never"
		}
	}
	return out
}

// otherMethods offers the DCV methods that the policy permits beside the present one.
func (p *portal) otherMethods(f form, present order.DCVMethod) *choicesView {
	c := f.methods(p.Policy.At(p.Clock()))
	c.Items = slices.DeleteFunc(c.Items, func(i choiceView) bool { return i.Value == string(present) })
	if len(c.Items) == 0 {
		return nil
	}
	c.Items[0].ID = c.ID
	return &c
}

// recipients are the addresses that were asked for approval, each with the fate of its last mail. Those of the prescribed local parts are
// no secret; others, which WHOIS publishes, belong to people.
func recipients(s order.Status) []recipientView {
	prescribed := dcv.ConstructedAddresses(s.Domain)
	var out []recipientView
	index := map[string]int{}
	for _, l := range s.Letters {
		if l.Kind != order.LetterDomainApproval {
			continue
		}
		i, known := index[l.Recipient]
		if !known {
			i = len(out)
			index[l.Recipient] = i
			shown := l.Recipient
			if !slices.Contains(prescribed, shown) {
				shown = masked(shown)
			}
			out = append(out, recipientView{Address: shown})
		}
		out[i].State = l.State
	}
	return out
}

// masked shows enough of an address for its owner to know it.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return ""
	}
	_, first := utf8.DecodeRuneInString(address)
	return address[:first] + "***" + address[at:]
}

// organizationIn is the organisation's name in the page's language, with the other form of it.
func organizationIn(o order.Organization, l order.Language) string {
	if o.Name == o.NameJA {
		return o.Name
	}
	if l == order.English {
		return o.Name + " (" + o.NameJA + ")"
	}
	return o.NameJA + " (" + o.Name + ")"
}

// How often the validation information of one order can be sent again by the applicant: for e-mail each time is a mail to half a
// dozen mailboxes, whose owners may never have heard of the application. The first time counts.
const (
	mailsAnHour = 4
	mailsADay   = 10
)

// mailedTooOften reports whether the order's validation mails have been sent as often as they may be, by the record's own account.
func mailedTooOften(s order.Status, now time.Time) error {
	hour, day := 0, 0
	for _, e := range s.Timeline {
		if e.Action != "challenge-opened" {
			continue
		}
		if now.Sub(e.At) < time.Hour {
			hour++
		}
		if now.Sub(e.At) < 24*time.Hour {
			day++
		}
	}
	if hour < mailsAnHour && day < mailsADay {
		return nil
	}
	return errMailedTooOften
}
