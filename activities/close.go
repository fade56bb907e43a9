package activities

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
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
	Reason string      `json:"reason"` // in the words of whoever ended it, or one of the reasons below
}

// Why the workflow itself ends an order.
const (
	ReasonDeadline = "deadline"
	ReasonDenied   = "domain-denied"
	ReasonOperator = "operator"
	ReasonDecided  = "decided"
)

// inWords returns the reason as the order's people read it.
func (in CloseInput) inWords(l order.Language) string {
	texts := map[string]fault.Text{
		ReasonDeadline: {JA: "認証の期限を過ぎました。", EN: "The time for validation is over."},
		ReasonDenied:   {JA: "ドメインの管理者の承認が得られませんでした。", EN: "The domain owner did not approve."},
		ReasonDecided:  {JA: "記録された回答または操作により終了しました。", EN: "It was ended by an answer or a decision that is on record."},
		ReasonOperator: {JA: "運用担当者が取り消しました。", EN: "An operator cancelled it."},
	}
	if t, ok := texts[in.Reason]; ok {
		return t.In(string(l))
	}
	return in.Reason
}

// CloseResult is empty.
type CloseResult struct{}

// CloseOrder records the end, gives the voucher back and puts the notice with the reason into the outbox.
func (c *Closing) CloseOrder(ctx context.Context, in CloseInput) (CloseResult, error) {
	st, err := c.Records.Order(ctx, in.Number)
	if err != nil {
		return CloseResult{}, err
	}
	now, reason := c.Clock(), in.inWords(st.Language)
	kind := map[order.State]order.LetterKind{
		order.Rejected: order.LetterRejected, order.Cancelled: order.LetterCancelled, order.Expired: order.LetterExpired,
	}[in.State]
	told := reason
	if in.Actor == "applicant" {
		told = "" // whoever gives an address and a reason must not have us mail the one to the other
	}
	notice := letter(kind, "", in.Number, st.Application, now, order.Facts{Domain: st.Domain, Reason: told})
	err = c.Records.Close(ctx, in.Number, in.State, in.Actor, reason, now, []order.Letter{notice})
	return CloseResult{}, err
}
