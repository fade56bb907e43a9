package portal

import (
	"context"
	"net/http"
	"strings"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// applicant is the actor of what is done on a status page: whoever holds its link, which is mailed to the technical contact.
var applicant = order.Actor{Actor: "applicant"}

// deed is what a form of the status page does: it returns the code of its outcome, which the page shows after a redirect.
type deed func(ctx context.Context, v visited, f form) (done string, err error)

// act carries out a form of the status page. A refusal is shown on the page like an outcome; if the order cannot be reached the page is
// shown again with everything that was typed.
func (p *portal) act(do deed) pageFunc {
	return p.actOn(func(v visited) formPage { return p.statusPage(v) }, do)
}

// actOn is act for a form on another page.
func (p *portal) actOn(page func(visited) formPage, do deed) pageFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := p.follow(w, r)
		if err != nil {
			return err
		}
		f, err := p.readForm(r)
		switch {
		case err != nil:
			return err
		case !p.ours(r):
			return p.again(w, r, f, errForm, page(v))
		}
		ctx, cancel := context.WithTimeout(r.Context(), askFor)
		defer cancel()
		done, err := do(ctx, v, f)
		if err == nil {
			http.Redirect(w, r, v.path+"?done="+done, http.StatusSeeOther)
			return nil
		}
		return p.undone(w, r, v, f, err, page(v))
	}
}

// undone answers for a form that was not carried out.
func (p *portal) undone(w http.ResponseWriter, r *http.Request, v visited, f form, err error, page formPage) error {
	e := publicFault(err)
	switch {
	case f.refuse(err):
		return page(w, r, http.StatusUnprocessableEntity, f, nil)
	case e.Kind == fault.Unavailable:
		return p.again(w, r, f, err, page)
	case p.texts["status.refused."+e.Code] != (fault.Text{}):
		p.Logger.InfoContext(r.Context(), "refused", "ref", visitOf(r).id, "route", r.Pattern, "code", e.Code)
		http.Redirect(w, r, v.path+"?refused="+e.Code, http.StatusSeeOther)
		return nil
	default:
		return err
	}
}

// command sends a command whose outcome is done, or "unchanged" if it had been recorded before.
func (p *portal) command(ctx context.Context, v visited, c order.Command, done string) (string, error) {
	out, err := p.Orders.Command(ctx, v.status.Number, c)
	switch {
	case err != nil:
		return "", err
	case out.Found:
		return "found", nil
	case !out.Applied:
		return "unchanged", nil
	default:
		return done, nil
	}
}

func (p *portal) checkNow(ctx context.Context, v visited, _ form) (string, error) {
	return p.command(ctx, v, order.DomainCheckNow{Actor: applicant}, "checked")
}

func (p *portal) changeMethod(ctx context.Context, v visited, f form) (string, error) {
	if err := mailedTooOften(v.status, p.Clock()); err != nil {
		return "", err
	}
	c := order.DomainMethodChanged{Actor: applicant, Method: order.DCVMethod(f.text("dcv_method"))}
	if broken := c.Check(); len(broken) > 0 {
		for i := range broken {
			broken[i].Path = "dcv_method"
		}
		return "", fault.InvalidFields(broken)
	}
	return p.command(ctx, v, c, "method")
}

func (p *portal) resend(ctx context.Context, v visited, _ form) (string, error) {
	if err := mailedTooOften(v.status, p.Clock()); err != nil {
		return "", err
	}
	return p.command(ctx, v, order.ChallengeResent{Actor: applicant}, "resent")
}

func (p *portal) answer(ctx context.Context, v visited, f form) (string, error) {
	c := order.InquiryAnswered{Actor: applicant, Answer: lines(f.text("answer"))}
	if err := fault.InvalidFields(c.Check()); err != nil {
		return "", err
	}
	return p.command(ctx, v, c, "answered")
}

func (p *portal) mailDownload(ctx context.Context, v visited, _ form) (string, error) {
	if v.status.State != order.Issued {
		return "", errNotIssued
	}
	return "mailed", p.Desk.SendDownloadLink(ctx, v.status.Number)
}

// lines is a text of several lines as a browser sends it, without the carriage returns and what stands around it.
func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
