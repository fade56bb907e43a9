package portal

import (
	"net/http"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

// tokenLength is that of secret.Token.
const tokenLength = 43

// wellFormed reports whether s has the shape of secret.Token; anything else is not worth a look into the record.
func wellFormed(s string) bool {
	if len(s) != tokenLength {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// open finds the link of the request's token and its order, and makes the order's language that of the visit. A token that
// does not exist, or exists for another purpose, is counted as a miss.
func (p *portal) open(w http.ResponseWriter, r *http.Request, purpose order.LinkPurpose) (order.Link, order.Status, error) {
	if p.guessing(r) {
		return order.Link{}, order.Status{}, errTooMany
	}
	link, err := p.find(r, purpose)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			p.missed(w, r)
		}
		return order.Link{}, order.Status{}, err
	}
	status, err := p.Records.Order(r.Context(), link.Order)
	if err != nil {
		return order.Link{}, order.Status{}, err
	}
	visitOf(r).order = status.Language
	return link, status, nil
}

func (p *portal) find(r *http.Request, purpose order.LinkPurpose) (order.Link, error) {
	token := r.PathValue("token")
	if !wellFormed(token) {
		return order.Link{}, errLinkUnknown
	}
	link, err := p.Records.Link(r.Context(), secret.Hash(token))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return order.Link{}, errLinkUnknown.Because(err)
	case err != nil:
		return order.Link{}, err
	case link.Purpose != purpose:
		return order.Link{}, errLinkUnknown
	}
	return link, nil
}

// approvable returns nil if the link can still decide the order's domain at now, otherwise the reason, the most helpful first:
// what ends a link often ends it in several ways.
func approvable(l order.Link, s order.Status, now time.Time) error {
	switch c := s.Challenge; {
	case !l.UsedAt.IsZero():
		return errLinkUsed
	case s.State.Final() && s.State != order.Issued:
		return errLinkClosed
	case s.State == order.Issued, c != nil && !c.SatisfiedAt.IsZero():
		return errLinkSettled
	case c == nil || c.ID != l.Challenge:
		return errLinkReplaced
	case !now.Before(l.ExpiresAt), !now.Before(c.ExpiresAt): // A8: the value's own age limit binds the link too
		return errLinkExpired
	default:
		return nil
	}
}

// downloadable returns nil if the link still opens the download page at now.
func downloadable(l order.Link, now time.Time) error {
	if !now.Before(l.ExpiresAt) {
		return errLinkExpired
	}
	return nil
}
