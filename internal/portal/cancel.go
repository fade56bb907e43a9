package portal

import (
	"context"
	"net/http"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// cancelView is the page that asks whether the order is to be cancelled.
type cancelView struct {
	Path         string
	FormToken    string
	Form         form
	Notice       *noticeView
	Number       string
	Organization string
	Email        string
}

// showCancel asks for confirmation: no link and no single click cancels an order.
func (p *portal) showCancel(w http.ResponseWriter, r *http.Request) error {
	v, err := p.follow(w, r)
	if err != nil {
		return err
	}
	if err := cancellable(v.status); err != nil {
		return p.undone(w, r, v, form{}, err, p.cancelPage(v))
	}
	return p.cancelPage(v)(w, r, http.StatusOK, form{}, nil)
}

func (p *portal) cancelPage(v visited) formPage {
	return func(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
		return p.render(w, r, status, "cancel", cancelView{
			Path: v.path, FormToken: p.formTokenFor(w, r, v.path+"/"+actionCancel), Form: f, Notice: n, Number: v.status.Number,
			Organization: organizationIn(v.status.Application.Organization, p.language(r)), Email: v.status.CertificateEmail,
		})
	}
}

// cancellable says before the order does what it would say.
func cancellable(s order.Status) error {
	switch {
	case s.State.Final():
		return errEnded
	case s.State == order.Issuing:
		return errIssuing
	default:
		return nil
	}
}

// cancel ends the order at the applicant's wish. The reason is theirs to give or not.
func (p *portal) cancel(ctx context.Context, v visited, f form) (string, error) {
	if err := cancellable(v.status); err != nil {
		return "", err
	}
	c := order.OrderCancelled{Actor: applicant, Reason: lines(f.text("reason"))}
	if c.Reason == "" {
		c.Reason = p.texts["cancel.no-reason"].In(string(v.status.Language))
	}
	if err := fault.InvalidFields(c.Check()); err != nil {
		return "", err
	}
	return p.command(ctx, v, c, "cancelled")
}
