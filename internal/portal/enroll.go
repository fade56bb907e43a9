package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/secret"
	"securemailid.example/internal/voucher"
)

// enrollPath is the page of the application form. What is sent to it is checked and changes nothing; submitPath hands it in.
const (
	enrollPath = "/enroll"
	submitPath = enrollPath + "/submit"
)

// keyField carries the idempotency key, which is made when the form is first shown. Double clicks, the back button, reloads and a
// second tab hand in the same form under the same key, and the record makes one order of it.
const keyField = "submission_key"

// enrollFields are the fields of the application form in the order of order.Validate, what it carries along unseen first.
var enrollFields = []string{
	keyField, "language",
	"voucher", "type", "validity_years", "csr", "certificate_email", "dcv_method",
	"organization.name_ja", "organization.name", "organization.unit", "organization.state", "organization.city", "organization.street",
	"organization.postal_code", "organization.telephone", "organization.identifier",
	"representative.department", "representative.family_name_ja", "representative.given_name_ja", "representative.family_name",
	"representative.given_name", "representative.email",
	"technical_contact.company", "technical_contact.department", "technical_contact.family_name", "technical_contact.given_name",
	"technical_contact.telephone", "technical_contact.email",
	"terms_accepted",
}

// enrollView is the application form (G2–G13).
type enrollView struct {
	Form       form
	Carried    []carried
	Notice     *noticeView
	DCV        choicesView
	Unit       bool // the policy certifies a department
	Identifier bool // the policy asks for the organisation's registration number
	TermsURL   string
	Renewal    *renewalView // filled in from an earlier order
}

// noticeView says above a form why it is shown again, where no field is wrong.
type noticeView struct {
	Text fault.Text
	Ref  string // reference id; empty where there is nothing to ask about
	Link string // text key of a link that leads on
	Href string
}

// showEnroll shows the empty form. It holds nothing personal, so the browser may keep it: the back button then leads to what was typed.
func (p *portal) showEnroll(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "private, no-cache")
	return p.renderForm(w, r, http.StatusOK, p.newForm(r), nil)
}

// newForm returns an empty form in the language of the page, which becomes that of the order's mails.
func (p *portal) newForm(r *http.Request) form {
	var f form
	f.set(keyField, secret.Token())
	f.set("language", string(p.language(r)))
	return f
}

// renderForm shows the form with everything that was typed.
func (p *portal) renderForm(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
	return p.render(w, r, status, "enroll", p.enrollPage(f, n))
}

// enrollPage is the form as the policy of today has it.
func (p *portal) enrollPage(f form, n *noticeView) enrollView {
	rules := p.Policy.At(p.Clock())
	limits := rules.Limits()
	return enrollView{
		Form: f, Carried: f.Carried([]string{keyField, "language"}), Notice: n, DCV: f.methods(rules),
		Unit: limits.Unit, Identifier: limits.Identifier, TermsURL: p.Brand.TermsURL,
	}
}

// methods offers the DCV methods that the policy permits, with a warning on those that it discourages (G8, rules A8).
func (f form) methods(rules policy.Rules) choicesView {
	var offered []string
	for _, m := range rules.Limits().Methods {
		offered = append(offered, string(m))
	}
	c := f.Choices("dcv_method", offered...)
	c.Explains = true
	for i, item := range c.Items {
		c.Items[i].Discouraged = rules.Methods[order.DCVMethod(item.Value)] == policy.Discouraged
	}
	return c
}

// readKeyed reads a form that becomes an order. One whose key is none of ours, or is missing, gets a new one; so does the language.
func (p *portal) readKeyed(r *http.Request) (form, error) {
	f, err := p.readForm(r)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return f, errFormTooLarge
	}
	if err != nil {
		return f, err
	}
	if !wellFormed(f.text(keyField)) {
		f.set(keyField, secret.Token())
	}
	if !slices.Contains(languages, order.Language(f.text("language"))) {
		f.set("language", string(p.language(r)))
	}
	return f, nil
}

// checkEnroll checks what was typed, with the rules of the command line, and leads on to the confirm page. It changes nothing, so it
// asks for no proof that we showed the form. The button "back to correct" of the confirm page comes here as well.
func (p *portal) checkEnroll(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readKeyed(r)
	switch {
	case err != nil:
		return err
	case r.PostFormValue("step") == "edit":
		return p.renderForm(w, r, http.StatusOK, f, nil)
	case p.forms.OnLimit(w, r, p.clientKey(r)):
		return p.again(w, r, f, errTooManyForms, p.renderForm)
	}
	return p.confirm(w, r, http.StatusOK, f, nil)
}

// submitEnroll hands the form in and leads to the receipt page.
func (p *portal) submitEnroll(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readKeyed(r)
	switch {
	case err != nil:
		return err
	case !p.ours(r):
		return p.again(w, r, f, errFormAgain, p.confirm)
	case p.forms.OnLimit(w, r, p.clientKey(r)):
		return p.again(w, r, f, errTooManyForms, p.confirm)
	case p.voucherGuessing(r, f):
		return p.again(w, r, f, errVoucherGuessing, p.confirm)
	}
	key := f.text(keyField)
	receipt, err := p.Desk.Submit(r.Context(), f.application(), key)
	if err != nil {
		return p.refused(w, r, f, err)
	}
	token, err := p.statusLink(r, key, receipt.Number)
	if err != nil {
		return p.again(w, r, f, err, p.confirm)
	}
	http.Redirect(w, r, "/receipt/"+token, http.StatusSeeOther) //nolint:gosec // a path of ours; the token is an HMAC
	return nil
}

// voucherGuessing reports whether the form has to wait because of what was guessed wrong: a coupon for what anybody guessed, the longer
// voucher code, which nobody can guess, only for what came from the same address.
func (p *portal) voucherGuessing(r *http.Request, f form) bool {
	if code, err := voucher.Normalize(f.text("voucher")); err == nil && code.Kind() == voucher.VoucherCode {
		return p.vouchers.exhaustedBy(p.clientKey(r))
	}
	return p.vouchers.exhausted(p.clientKey(r))
}

// refused answers for a form that was not accepted.
func (p *portal) refused(w http.ResponseWriter, r *http.Request, f form, err error) error {
	e := publicFault(err)
	switch {
	case f.refuse(err):
		return p.renderForm(w, r, http.StatusUnprocessableEntity, f, nil)
	case strings.HasPrefix(e.Code, "voucher."):
		p.vouchers.refused(w, r, p.clientKey(r))
		_, _ = p.report(w, r, err) // what the visitor is told stands at the field
		f.broken = append(f.broken, fault.Field{Path: "voucher", Code: e.Code, Rule: e.Text, Remedy: fault.Text{
			JA: "番号をお確かめのうえ、解決しないときは購入元にお問い合わせください。", EN: "Check the number, or ask whoever sold it to you.",
		}})
		if e.Code == "voucher.validity" { // either of the two is wrong
			f.broken = append(f.broken, fault.Field{Path: "validity_years", Code: e.Code, Rule: e.Text, Remedy: fault.Text{
				JA: "有効期間を変更するか、この有効期間用の番号を入力してください。", EN: "Change the validity, or enter a voucher for this one.",
			}})
		}
		f.set(keyField, secret.Token()) // the record may have kept what was refused: a corrected form is another one
		return p.renderForm(w, r, http.StatusUnprocessableEntity, f, nil)
	case e.Code == "submission.key-reused":
		return p.reused(w, r, f, p.confirm, p.renderForm)
	default:
		return p.again(w, r, f, err, p.confirm)
	}
}

// reused answers for a form whose key has been used with other content: it was handed in before, perhaps in another tab. With a key
// of its own what stands in the form now can still become an application.
func (p *portal) reused(w http.ResponseWriter, r *http.Request, f form, confirm, show formPage) error {
	key := f.text(keyField)
	number, accepted, err := p.Records.Submitted(r.Context(), key)
	if err != nil {
		return p.again(w, r, f, err, confirm)
	}
	f.set(keyField, secret.Token())
	if !accepted {
		return p.again(w, r, f, errSubmittedUnfinished(number), confirm)
	}
	n := &noticeView{Text: errSubmittedBefore(number).Text}
	token := statusToken(key, p.formKey(r), number)
	if _, err := p.Records.Link(r.Context(), secret.Hash(token)); err == nil { // only for the browser that handed it in
		n.Link, n.Href = "enroll.receipt", "/receipt/"+token
	}
	return show(w, r, http.StatusConflict, f, n)
}

// formPage is a page that shows what was typed.
type formPage func(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error

// again shows the form once more after a failure that no field is to blame for, with everything that was typed.
func (p *portal) again(w http.ResponseWriter, r *http.Request, f form, err error, page formPage) error {
	e, status := p.report(w, r, err)
	return page(w, r, status, f, &noticeView{Text: e.Text, Ref: visitOf(r).id})
}

// statusLink keeps the link by which the browser that handed the order in can follow it, and returns its token. The token follows from
// the key, so a repeat gives the same link and nothing secret is stored.
func (p *portal) statusLink(r *http.Request, key, number string) (string, error) {
	s, err := p.Records.Order(r.Context(), number)
	if err != nil {
		return "", err
	}
	now := p.Clock()
	expires := now.Add(p.Policy.At(now).StatusLinkLife)
	if expires.Before(s.DeadlineAt) {
		expires = s.DeadlineAt
	}
	token := statusToken(key, p.formKey(r), number)
	return token, p.Records.AddLink(r.Context(), order.Link{
		ID: uuid.NewString(), Hash: secret.Hash(token), Order: number, Purpose: order.LinkStatus,
		Recipient: s.Application.TechnicalContact.Email, ExpiresAt: expires,
	})
}

// statusToken has the shape of secret.Token: base64url of HMAC-SHA-256. The browser's own key is part of it, so that a form which somebody
// else has filled in beforehand, with a submission key that they know, opens nothing to them.
func statusToken(key, browser, number string) string {
	return sign(key+"."+browser, "status link "+number)
}
