package portal

import (
	"context"
	"net/http"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// revokeView is the page that asks whether a certificate is to be revoked.
type revokeView struct {
	Number       string
	Organization string
	Email        string
	Serial       string
	NotAfter     time.Time
	Expires      time.Time // of the link
	Reasons      []reasonView
	FormToken    string
	Fault        *fault.Field // of the reason
}

// reasonView is a reason to choose.
type reasonView struct {
	Name string // as RFC 5280 has it
	Text fault.Text
}

// revokedView is the page afterwards, and whenever the link of a revoked certificate is opened.
type revokedView struct {
	Number    string
	Email     string
	Serial    string
	RevokedAt time.Time
	Reason    fault.Text
}

// revocable is a certificate with the link that revokes it.
type revocable struct {
	link   order.Link
	status order.Status
	cert   order.Certificate
}

// openRevocation finds the certificate that the request's link revokes. A link that no longer works is a fault, except where the
// certificate is revoked: that is what its reader wanted to know.
func (p *portal) openRevocation(w http.ResponseWriter, r *http.Request) (revocable, error) {
	link, status, err := p.open(w, r, order.LinkRevocation)
	if err != nil {
		return revocable{}, err
	}
	all, err := p.Records.Certificates(r.Context(), link.Order)
	if err != nil {
		return revocable{}, err
	}
	i := slices.IndexFunc(all, func(c order.Certificate) bool { return c.Sequence == link.Sequence })
	if i < 0 {
		return revocable{}, errLinkUnknown
	}
	v := revocable{link: link, status: status, cert: all[i]}
	switch now := p.Clock(); {
	case !v.cert.RevokedAt.IsZero():
		return v, nil
	case !now.Before(v.cert.NotAfter):
		return v, errRevokeTooLate
	case !link.UsedAt.IsZero():
		return v, errLinkUsed
	case !now.Before(link.ExpiresAt):
		return v, errRevokeExpired
	}
	return v, nil
}

// showRevocation shows what the link revokes. It changes nothing, however often a person, a prefetcher or a mail scanner opens it.
func (p *portal) showRevocation(w http.ResponseWriter, r *http.Request) error {
	v, err := p.openRevocation(w, r)
	if err != nil {
		return err
	}
	if !v.cert.RevokedAt.IsZero() {
		return p.showRevoked(w, r, v)
	}
	return p.askReason(w, r, http.StatusOK, v, nil)
}

// askReason shows the form, with what is wrong with the reason.
func (p *portal) askReason(w http.ResponseWriter, r *http.Request, status int, v revocable, wrong *fault.Field) error {
	view := revokeView{
		Number: v.status.Number, Organization: organizationIn(v.status.Application.Organization, p.language(r)), Email: v.status.CertificateEmail,
		Serial: v.cert.Serial, NotAfter: v.cert.NotAfter, Expires: v.link.ExpiresAt, FormToken: p.formToken(w, r), Fault: wrong,
	}
	for _, reason := range order.SubscriberReasons() {
		view.Reasons = append(view.Reasons, reasonView{Name: reason.String(), Text: reason.Text()})
	}
	return p.render(w, r, status, "revoke", view)
}

func (p *portal) showRevoked(w http.ResponseWriter, r *http.Request, v revocable) error {
	return p.render(w, r, http.StatusOK, "revoked", revokedView{
		Number: v.status.Number, Email: v.status.CertificateEmail, Serial: v.cert.Serial, RevokedAt: v.cert.RevokedAt, Reason: v.cert.Reason.Text(),
	})
}

// revoke revokes the certificate, once. It counts from the moment that the record has it, whether Temporal answers or not.
func (p *portal) revoke(w http.ResponseWriter, r *http.Request) error {
	v, err := p.openRevocation(w, r)
	if err != nil {
		return err
	}
	if err := p.checkForm(r); err != nil {
		return err
	}
	if !v.cert.RevokedAt.IsZero() { // a second click
		return p.showRevoked(w, r, v)
	}
	reason, ok := order.ParseRevocationReason(r.PostFormValue("reason"))
	if !ok || !slices.Contains(order.SubscriberReasons(), reason) {
		return p.askReason(w, r, http.StatusUnprocessableEntity, v, &noReason)
	}
	if _, err := p.Desk.Revoke(r.Context(), order.RevocationRequest{
		ID: v.link.ID, Origin: order.RevocationByMail, Actor: applicant.Actor, Reason: reason, Issuer: v.cert.Issuer, Serial: v.cert.Serial, Link: v.link.ID,
	}, false); err != nil {
		return err
	}
	if v, err = p.openRevocation(w, r); err != nil {
		return err
	}
	return p.showRevoked(w, r, v)
}

// noReason is what is wrong with a form without a reason that is there to choose.
var noReason = fault.Field{
	Path: "reason", Code: "choice",
	Rule:   fault.Text{JA: "失効の理由が選択されていません。", EN: "No reason has been chosen."},
	Remedy: fault.Text{JA: "いずれか1つを選択してください。", EN: "Choose one."},
}

// offerRevocation mails the link that revokes the order's certificate. The status page alone is not enough: its link is carried by many mails.
func (p *portal) offerRevocation(ctx context.Context, v visited, _ form) (string, error) {
	if len(v.status.Certificates) == 0 {
		return "", errNotIssued
	}
	last := v.status.Certificates[len(v.status.Certificates)-1]
	return "revocation", p.Desk.OfferRevocation(ctx, v.status.Number, last.Sequence)
}
