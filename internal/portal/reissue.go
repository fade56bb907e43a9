package portal

import (
	"net/http"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

// reissuePath is the page of the form for a reissue (G24). What is sent to it is checked and changes nothing; reissueSubmitPath hands
// it in.
const (
	reissuePath       = "/reissue"
	reissueSubmitPath = reissuePath + "/submit"
)

// reissueFields are the fields of the form in the order of order.ValidateReissue, what it carries along unseen first.
var reissueFields = []string{
	keyField, "language",
	"original", "expires_on", "reason", "reason_text", "csr",
	"representative.department", "representative.family_name_ja", "representative.given_name_ja", "representative.family_name",
	"representative.given_name", "representative.email",
	"technical_contact.company", "technical_contact.department", "technical_contact.family_name", "technical_contact.given_name",
	"technical_contact.telephone", "technical_contact.email",
	"terms_accepted",
}

// reissueReasons are what may be chosen. The last is there to be answered: a change of name or address is no reissue (G25).
var reissueReasons = []string{
	string(order.KeyLost), string(order.KeyCompromise), string(order.NewDevice), string(order.OtherReason), string(order.DetailsChanged),
}

// reissueView is the form for a reissue.
type reissueView struct {
	Form     form
	Carried  []carried
	Notice   *noticeView
	Reasons  choicesView
	TermsURL string
}

// showReissue shows the empty form; see showEnroll.
func (p *portal) showReissue(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "private, no-cache")
	return p.renderReissue(w, r, http.StatusOK, p.newForm(r), nil)
}

func (p *portal) renderReissue(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
	reasons := f.Choices("reason", reissueReasons...)
	reasons.Explains = true
	return p.render(w, r, status, "reissue", reissueView{
		Form: f, Carried: f.Carried([]string{keyField, "language"}), Notice: n, Reasons: reasons, TermsURL: p.Brand.TermsURL,
	})
}

// reissue decodes the form for a reissue (G24).
func (f form) reissue() order.ReissueRequest {
	return order.ReissueRequest{
		Language: order.Language(f.text("language")), Original: f.text("original"), ExpiresOn: f.text("expires_on"),
		Reason: order.ReissueReason(f.text("reason")), ReasonText: f.text("reason_text"), CSR: f.text(csr.Path),
		Representative: f.representative(), TechnicalContact: f.technicalContact(), TermsAccepted: f.termsAccepted(),
	}
}

// checkReissue checks what was typed and leads on to the confirm page; see checkEnroll. Whether there is such a certificate is looked up
// when the form is handed in.
func (p *portal) checkReissue(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readKeyed(r)
	switch {
	case err != nil:
		return err
	case r.PostFormValue("step") == "edit":
		return p.renderReissue(w, r, http.StatusOK, f, nil)
	case p.forms.OnLimit(w, r, p.clientKey(r)):
		return p.again(w, r, f, errTooManyForms, p.renderReissue)
	}
	return p.confirmReissue(w, r, http.StatusOK, f, nil)
}

// confirmReissue checks the form and shows the confirm page, or the form again with what is wrong with it.
func (p *portal) confirmReissue(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
	request, err := p.Desk.CheckReissue(r.Context(), f.reissue())
	if f.refuse(err) {
		return p.renderReissue(w, r, max(status, http.StatusUnprocessableEntity), f, f.anew(n))
	}
	if err != nil {
		return p.again(w, r, f, err, p.renderReissue)
	}
	facts := p.decode(r, request.CSR, order.Application{})
	if facts.Fault != nil {
		f.broken = append(f.broken, *facts.Fault)
		return p.renderReissue(w, r, max(status, http.StatusUnprocessableEntity), f, n)
	}
	facts.KeyOnly = true
	return p.render(w, r, status, "confirm", confirmView{
		Kind: "reissue", Notice: n, Carried: f.Carried(reissueFields), FormToken: p.formTokenFor(w, r, reissueSubmitPath),
		Parts: f.reviewReissue(request), CSR: facts, TermsURL: p.Brand.TermsURL, Language: request.Language,
	})
}

// anew leads a wish to change what is certified to the form for it (G25).
func (f form) anew(n *noticeView) *noticeView {
	if n == nil && f.text("reason") == string(order.DetailsChanged) {
		n = &noticeView{Text: f.fault("reason").Remedy, Link: "reissue.anew", Href: enrollPath}
	}
	return n
}

// reviewReissue sets the request as it was understood beside what was typed.
func (f form) reviewReissue(q order.ReissueRequest) []reviewPart {
	return append([]reviewPart{{Title: "reissue.part.certificate", Product: true, Rows: rows(
		f.row("original", q.Original), f.row("expires_on", q.ExpiresOn), f.chosen("reason", string(q.Reason)), f.row("reason_text", q.ReasonText),
	)}}, f.reviewPeople(q.Representative, q.TechnicalContact)...)
}

// submitReissue hands the form in and leads to the receipt page.
func (p *portal) submitReissue(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readKeyed(r)
	switch {
	case err != nil:
		return err
	case !p.ours(r):
		return p.again(w, r, f, errFormAgain, p.confirmReissue)
	case p.forms.OnLimit(w, r, p.clientKey(r)):
		return p.again(w, r, f, errTooManyForms, p.confirmReissue)
	case p.originals.exhausted(p.clientKey(r)):
		return p.again(w, r, f, errOriginalGuessing, p.confirmReissue)
	}
	key := f.text(keyField)
	receipt, err := p.Desk.Reissue(r.Context(), f.reissue(), key)
	if err != nil {
		return p.refusedReissue(w, r, f, err)
	}
	token, err := p.statusLink(r, key, receipt.Number)
	if err != nil {
		return p.again(w, r, f, err, p.confirmReissue)
	}
	http.Redirect(w, r, "/receipt/"+token, http.StatusSeeOther) //nolint:gosec // the token is base64url: the page is ours
	return nil
}

// refusedReissue answers for a request that was not accepted. The record may have kept it: a corrected form is another one, under
// another key.
func (p *portal) refusedReissue(w http.ResponseWriter, r *http.Request, f form, err error) error {
	switch e := publicFault(err); {
	case f.refuse(err):
		f.set(keyField, secret.Token())
		return p.renderReissue(w, r, http.StatusUnprocessableEntity, f, nil)
	case e.Code == "reissue.unknown":
		p.originals.refused(w, r, p.clientKey(r))
		_, _ = p.report(w, r, err)
		f.broken = append(f.broken, e.Fields...) // both fields: which of them is wrong stays unsaid
		f.set(keyField, secret.Token())
		return p.renderReissue(w, r, http.StatusUnprocessableEntity, f, nil)
	case e.Kind == fault.Conflict && e.Code != "submission.key-reused", e.Code == "reissue.too-often":
		_, status := p.report(w, r, err)
		f.set(keyField, secret.Token())
		n := &noticeView{Text: e.Text, Ref: visitOf(r).id}
		switch e.Code {
		case "reissue.expired", "reissue.revoked":
			n.Link, n.Href = "reissue.anew", enrollPath
		case "reissue.under-way", "reissue.too-often":
			n.Link, n.Href = "reissue.help", p.Brand.HelpURL
		}
		return p.renderReissue(w, r, status, f, n)
	case e.Code == "submission.key-reused":
		return p.reused(w, r, f, p.confirmReissue, p.renderReissue)
	default:
		return p.again(w, r, f, err, p.confirmReissue)
	}
}
