package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Commands records what staff and applicants do to an order.
type Commands struct {
	Records   Records
	Policy    policy.Book
	Addresses Addresses
	Poster    Poster // delivers at once what the order's workflow does not know of
	Clock     func() time.Time
}

// CommandInput is one command, as it was decoded, in the JSON it arrived in.
type CommandInput struct {
	Number  string            `json:"number"`
	Name    order.CommandName `json:"name"`
	Command json.RawMessage   `json:"command"`
	At      time.Time         `json:"at"` // by the workflow's clock, so that a retry is known as one
}

// CommandResult says whether the command changed anything: the same step recorded twice counts once. Phone are the steps as they stand
// afterwards: another telephone number voids the two that followed.
type CommandResult struct {
	Applied bool             `json:"applied"`
	Phone   order.PhoneSteps `json:"phone"`
	Reissue *order.Reviewed  `json:"reissue,omitempty"` // with the approval of a reissue (G26)
	Reused  *order.Reused    `json:"reused,omitempty"`  // where an order that has to do with reuse stands afterwards (G16)
}

// RecordCommand stores a command as evidence with its audit line, with the mails that follow from it in the outbox: an inquiry's (G12), and
// those to the holder of the certificate that a review has chosen.
func (c *Commands) RecordCommand(ctx context.Context, in CommandInput) (CommandResult, error) {
	cmd, err := order.DecodeCommand(in.Name, in.Command)
	if err != nil {
		return CommandResult{}, err
	}
	now := c.Clock()
	st, err := c.Records.Order(ctx, in.Number)
	if err != nil {
		return CommandResult{}, err
	}
	if err := c.allowed(cmd, st, now); err != nil {
		return CommandResult{}, err
	}
	letters, err := c.lettersFor(ctx, cmd, st, now)
	if err != nil {
		return CommandResult{}, err
	}
	rec, err := c.Records.RecordCommand(ctx, in.Number, cmd, in.At, letters)
	if err != nil {
		return CommandResult{}, err
	}
	if _, corrected := cmd.(order.SubjectCorrected); corrected && rec.Applied {
		if err := c.deliver(ctx, in.Number, order.LetterCorrected); err != nil {
			return CommandResult{}, err
		}
	}
	reused, err := c.reuse(ctx, cmd, in.Number, rec, now)
	return CommandResult{Applied: rec.Applied, Phone: rec.Phone, Reissue: rec.Reissue, Reused: reused}, err
}

// allowed checks what only the policy in force can decide: where a phone number may come from (G20, rules D2), what a corrected
// subject may hold (G10, rules E) and whether an original can still be issued again (G25).
func (c *Commands) allowed(cmd order.Command, st order.Status, now time.Time) error {
	rules := c.Policy.At(now)
	switch cmd := cmd.(type) {
	case order.PhoneNumberVerified:
		if !slices.Contains(rules.PhoneSources, cmd.Source) {
			return fault.InvalidFields([]fault.Field{{
				Path: "source", Code: "phone.source",
				Rule:   fault.Text{JA: "現在の規程では、この情報源の電話番号は使えません。", EN: "The policy in force does not accept a telephone number from this source."},
				Remedy: fault.Text{JA: "公的な登録や電話帳で番号を確認してください。", EN: "Find the number in a government register or the telephone directory."},
			}})
		}
	case order.SubjectCorrected:
		if rules.CorrectionNeedsConsent {
			return fault.New(fault.Conflict, "correction.consent",
				"現在の規程では、申請者の同意なしに訂正できません。正しい内容での再申請をご案内ください。",
				"The policy in force does not allow a correction without the applicant's consent. Ask for a new application with the correct content.")
		}
		return fault.InvalidFields(order.CheckSubject(cmd.Apply(st.Subject), rules.Limits()))
	case order.ReviewDecided:
		if !*cmd.Approved || st.State != order.Review || st.Reissue == nil {
			return nil // a refusal can always be recorded; the record says what else cannot
		}
		original, err := st.Reissue.Choose(cmd.Original)
		if err != nil {
			return err
		}
		return original.Reissuable(st.Reissue.Reason, rules.ReissueAfterCompromise, now)
	}
	return nil
}

// lettersFor returns the mails that follow from a command.
func (c *Commands) lettersFor(ctx context.Context, cmd order.Command, st order.Status, now time.Time) ([]order.Letter, error) {
	rules := c.Policy.At(now)
	switch cmd := cmd.(type) {
	case order.InquiryOpened:
		key := fmt.Sprint(len(st.Inquiries) + 1)
		l := letter(order.LetterInquiry, key, st.Number, st.Application, now, order.Facts{Question: cmd.Question, Deadline: st.DeadlineAt})
		return []order.Letter{c.Addresses.withStatus(l, now.Add(rules.StatusLinkLife))}, nil
	case order.SubjectCorrected:
		return c.corrected(cmd, st, rules, now), nil
	case order.ReviewDecided:
		if !*cmd.Approved || st.State != order.Review || st.Reissue == nil {
			return nil, nil
		}
		original, err := c.chosen(ctx, st, cmd.Original)
		if err != nil {
			return nil, err
		}
		return c.Addresses.reissueNotices(st.Number, []order.Original{original}, st.Application.TechnicalContact, st.Reissue.Reason, rules, now), nil
	}
	return nil, nil
}

// chosen returns the certificate that the review makes the order a reissue of.
func (c *Commands) chosen(ctx context.Context, st order.Status, name string) (order.Original, error) {
	view, err := st.Reissue.Choose(name)
	if err != nil {
		return order.Original{}, err
	}
	all, err := c.Records.Candidates(ctx, st.Number)
	if err != nil {
		return order.Original{}, err
	}
	i := slices.IndexFunc(all, func(o order.Original) bool { return o.Ref() == view.CertificateRef })
	if i < 0 {
		return order.Original{}, fault.New(fault.Internal, "reissue.candidate", "候補の証明書を読み取れません。", "A candidate is not in the record.")
	}
	return all[i], nil
}

// RefusalInput is a message that could not be applied. Reason repeats no value of it.
type RefusalInput struct {
	Number  string    `json:"number"`
	Command string    `json:"command"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"` // by the workflow's clock; each refusal of an order has its own
}

// RefusalResult is empty.
type RefusalResult struct{}

// RecordRefusal keeps a refused message in the audit trail, so that nothing staff send disappears silently.
func (c *Commands) RecordRefusal(ctx context.Context, in RefusalInput) (RefusalResult, error) {
	return RefusalResult{}, c.Records.RecordRefusal(ctx, in.Number, in.Command, in.Reason, in.At)
}
