package portal

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// findPath is the page on which somebody asks for a fresh link to an order.
const findPath = "/status"

// evenAnswer is how long the answer to the find form takes at least: longer than writing a mail, so that the time does not tell
// whether there was one to write.
const evenAnswer = 400 * time.Millisecond

// askFor is how long an order or a mail may take to answer a form; less than the page has, which is then shown again.
const askFor = 10 * time.Second

// findView is the form for a fresh status link.
type findView struct {
	Form      form
	FormToken string
	Notice    *noticeView
	Sent      bool
}

// showFind shows the empty form, or after it was sent what happens now.
func (p *portal) showFind(w http.ResponseWriter, r *http.Request) error {
	return p.renderFind(w, r, http.StatusOK, form{}, nil)
}

func (p *portal) renderFind(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
	return p.render(w, r, status, "find", findView{
		Form: f, FormToken: p.formTokenFor(w, r, findPath), Notice: n, Sent: r.URL.Query().Get("done") == "sent",
	})
}

// mailLink has a fresh link mailed to the technical contact, if the address that was entered is the contact's. The answer is the same
// whether it is or not.
func (p *portal) mailLink(w http.ResponseWriter, r *http.Request) error {
	start := time.Now() // a duration of this process, not a date: the injected clock has no part in it
	f, err := p.readForm(r)
	switch {
	case err != nil:
		return err
	case !p.ours(r):
		return p.again(w, r, f, errForm, p.renderFind)
	}
	number, email, err := asksFor(f)
	if f.refuse(err) {
		return p.renderFind(w, r, http.StatusUnprocessableEntity, f, nil)
	}
	ctx, cancel := context.WithTimeout(r.Context(), askFor)
	defer cancel()
	if err := p.Desk.SendStatusLink(ctx, number, email); err != nil {
		return p.again(w, r, f, err, p.renderFind)
	}
	wait(r.Context(), time.Until(start.Add(evenAnswer)))
	http.Redirect(w, r, findPath+"?done=sent", http.StatusSeeOther)
	return nil
}

// mailedEnough answers in place of mailLink to an address that asks too often. What was typed is kept, and that nothing was sent is said.
func (p *portal) mailedEnough(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readForm(r)
	if err != nil {
		return err
	}
	return p.again(w, r, f, errTooManyLinks, p.renderFind)
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// numberSyntax is an order number.
var numberSyntax = regexp.MustCompile(`^[1-9][0-9]{9}$`)

// asksFor reads which order is asked for and by whom; an invalid-fields fault says what cannot be read.
func asksFor(f form) (number, email string, err error) {
	var broken []fault.Field
	if typed := f.text("order_number"); len(typed) <= 200 {
		number = strings.Map(func(c rune) rune {
			if strings.ContainsRune(" -‐‑–—−ー　", c) {
				return -1
			}
			return c
		}, strings.TrimSpace(width.Fold.String(typed)))
	}
	if !numberSyntax.MatchString(number) {
		broken = append(broken, fault.Field{
			Path: "order_number", Code: "order-number",
			Rule:   fault.Text{JA: "オーダー番号は10桁の数字です。", EN: "An order number has 10 digits."},
			Remedy: fault.Text{JA: "受付メールの番号を入力してください。", EN: "Enter the number from the receipt mail."},
		})
	}
	m, err := order.ParseMailbox(f.text("contact_email"))
	if e, ok := errors.AsType[*fault.Error](err); ok {
		for _, b := range e.Fields {
			b.Path = "contact_email"
			broken = append(broken, b)
		}
	}
	return number, m.String(), fault.InvalidFields(broken)
}
