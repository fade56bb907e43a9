package portal

import (
	"net/http"

	"securemailid.example/internal/order"
)

// stopView is the page that ends the reminders of a certificate.
type stopView struct {
	Stopped   bool
	Number    string
	Email     string // of the certificate
	Recipient string // who gets no more reminders
	FormToken string
}

// showStop asks whether the reminders shall end, or says that they have: by one click in a mail program, whose user sees no answer. Opening the page ends nothing: mail scanners open every link.
func (p *portal) showStop(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.open(w, r, order.LinkStopReminders)
	if err != nil {
		return err
	}
	stopped, err := p.Records.RemindersStopped(r.Context(), link.Order, link.Recipient)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "stop", stopView{
		Stopped: stopped, Number: status.Number, Email: status.CertificateEmail, Recipient: link.Recipient, FormToken: p.formToken(w, r),
	})
}

// stop ends the reminders to the recipient of the link. A mail program may ask for it without having shown the page (RFC 8058): whoever
// holds the link can do nothing by it but hear no more, so no cookie is asked for then. A link never grows too old for that.
func (p *portal) stop(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.open(w, r, order.LinkStopReminders)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if !oneClick(r) && !p.ours(r) {
		return errForm
	}
	if err := p.Records.StopReminders(r.Context(), link.Order, link.Recipient, p.Clock()); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "stop", stopView{
		Stopped: true, Number: status.Number, Email: status.CertificateEmail, Recipient: link.Recipient,
	})
}

// oneClick reports whether the form, which has been read, is exactly that of RFC 8058 3.2.
func oneClick(r *http.Request) bool {
	files := 0
	if r.MultipartForm != nil {
		files = len(r.MultipartForm.File)
	}
	return files == 0 && len(r.PostForm) == 1 && r.PostForm.Get("List-Unsubscribe") == "One-Click"
}
