package portal

import (
	"net/http"
	"time"

	"securemailid.example/internal/order"
)

// receiptView is the page after an application has been accepted: what happens next, and who has to do what (G14, G15, G20).
type receiptView struct {
	Number           string
	Method           order.DCVMethod
	Procedure        string // what the method asks for: an e-mail, a file or a dns record
	Domain           string
	CertificateEmail string
	Contact          string // address of the technical contact, to which the mails go, masked: links travel further than their mails
	Representative   string // department
	CreatedAt        time.Time
	Deadline         time.Time
	StatusPath       string
	LinkExpires      time.Time
}

// againView is the page after a request for a reissue has been accepted (G24–G26).
type againView struct {
	receiptView

	Compromised bool // the original is revoked
	Ends        time.Time
}

// showReceipt shows the receipt of the order that the link is for.
func (p *portal) showReceipt(w http.ResponseWriter, r *http.Request) error {
	link, s, err := p.open(w, r, order.LinkStatus)
	if err != nil {
		return err
	}
	if !p.Clock().Before(link.ExpiresAt) {
		return errLinkExpired
	}
	a := s.Application
	v := receiptView{
		Number: s.Number, Method: a.DCVMethod, Procedure: procedure(a.DCVMethod), Domain: readable(s.Domain), CertificateEmail: s.CertificateEmail,
		Contact: masked(a.TechnicalContact.Email), Representative: a.Representative.Department, CreatedAt: s.CreatedAt, Deadline: s.DeadlineAt,
		StatusPath: "/status/" + r.PathValue("token"), LinkExpires: link.ExpiresAt,
	}
	if s.Reissue != nil {
		return p.render(w, r, http.StatusOK, "reissued", againView{v, s.Reissue.Reason == order.KeyCompromise, s.Reissue.Candidates[0].NotAfter})
	}
	return p.render(w, r, http.StatusOK, "receipt", v)
}

// procedure names what is to be done for the method, in the words of the text keys.
func procedure(m order.DCVMethod) string {
	switch m {
	case order.DCVEmail, order.DCVFile:
		return string(m)
	default:
		return "dns"
	}
}
