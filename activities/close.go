package activities

import (
	"context"
	"time"

	"securemailid.example/internal/order"
)

// Closing ends orders without a certificate.
type Closing struct {
	Records Records
	Clock   func() time.Time
}

// CloseInput says how and why the order ends.
type CloseInput struct {
	Number string      `json:"number"`
	State  order.State `json:"state"` // rejected, cancelled or expired
	Actor  string      `json:"actor"`
	Reason string      `json:"reason"`
}

// CloseResult is empty.
type CloseResult struct{}

// CloseOrder records the end, gives the voucher back and puts the notice with the reason into the outbox.
func (c *Closing) CloseOrder(ctx context.Context, in CloseInput) (CloseResult, error) {
	st, err := c.Records.Order(ctx, in.Number)
	if err != nil {
		return CloseResult{}, err
	}
	now := c.Clock()
	kind := map[order.State]order.LetterKind{
		order.Rejected: order.LetterRejected, order.Cancelled: order.LetterCancelled, order.Expired: order.LetterExpired,
	}[in.State]
	notice := letter(kind, "", in.Number, st.Application, now, order.Facts{Domain: st.Domain, Reason: in.Reason})
	err = c.Records.Close(ctx, in.Number, in.State, in.Actor, in.Reason, now, []order.Letter{notice})
	return CloseResult{}, err
}
