package app

import (
	"context"
	"strings"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// mailEvery is the shortest time between two mails of one kind that are asked for of one order, so that nobody's mailbox can be flooded.
const mailEvery = 10 * time.Minute

// SendStatusLink mails a fresh status link to the technical contact of the order if email is the contact's address. Nobody can tell from
// its answer whether it was, nor that such a mail has gone out a moment ago. If Temporal does not answer it is Unavailable either way, and
// may be asked for again.
func (d *Desk) SendStatusLink(ctx context.Context, number, email string) error {
	st, err := d.Records.Order(ctx, number)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err != nil || !strings.EqualFold(st.Application.TechnicalContact.Email, email) {
		return d.Orders.Ping(ctx)
	}
	err = d.send(ctx, d.Letters.StatusLink(st))
	if fault.KindOf(err) == fault.TooMany {
		return d.Orders.Ping(ctx)
	}
	return err
}

// SendDownloadLink mails the notice of an issued order with a fresh download link to the technical contact again. Shortly after another
// one it is TooMany; without a certificate a Conflict.
func (d *Desk) SendDownloadLink(ctx context.Context, number string) error {
	st, err := d.Records.Order(ctx, number)
	if err != nil {
		return err
	}
	l, ok := d.Letters.IssuedAgain(st)
	if !ok {
		return fault.New(fault.Conflict, "download.not-issued", "証明書はまだ発行されていません。", "The certificate has not been issued yet.")
	}
	return d.send(ctx, l)
}

// send puts a letter that the applicant asked for into the outbox and has it delivered.
func (d *Desk) send(ctx context.Context, l order.Letter) error {
	id, err := d.Records.PostLetter(ctx, l, "applicant", mailEvery)
	if err != nil {
		return err
	}
	return d.Orders.Post(ctx, l.Order, id)
}

// ResendMail has the order's undelivered letters sent again and returns how many, and how many cannot be: requests to approve a domain,
// whose links are renewed by "resend", and letters of which nothing is left.
func (d *Desk) ResendMail(ctx context.Context, number, actor string) (sent, left int, err error) {
	ids, left, err := d.Records.RepostLetters(ctx, number, actor, d.Clock(), d.Letters.Renew)
	if err != nil {
		return 0, left, err
	}
	for i, id := range ids {
		if err := d.Orders.Post(ctx, number, id); err != nil {
			return i, left, err
		}
	}
	return len(ids), left, nil
}
