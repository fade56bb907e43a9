package workflows

import (
	"encoding/json"
	"slices"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Never called: method values of these name the activities.
var (
	accepting *activities.Accepting
	domain    *activities.Domain
	commands  *activities.Commands
	issuing   *activities.Issuing
	closing   *activities.Closing
	mailing   *activities.Mailing

	revoking    *activities.Revoking
	publishing  *activities.Publishing
	reminding   *activities.Reminding
	reconciling *activities.Reconciling
	overseeing  *activities.Overseeing
	responders  *activities.Responders
)

// registerHandlers opens both doors of every command before the first block: an Update, whose caller gets the answer, and a
// Signal of the same name, as the Temporal UI and CLI send it. Both take the raw payload, because a typed handler would accept
// null and misspelt fields as zero values.
func (o *run) registerHandlers() error {
	for _, name := range order.CommandNames {
		handle := func(ctx workflow.Context, raw converter.RawValue) (order.Outcome, error) {
			return o.update(ctx, name, raw)
		}
		validate := func(ctx workflow.Context, raw converter.RawValue) error {
			cmd, err := decode(name, raw)
			if err == nil {
				err = o.permits(ctx, cmd)
			}
			return activities.ToTemporal(err)
		}
		options := workflow.UpdateHandlerOptions{Validator: validate, Description: name.Description()}
		if err := workflow.SetUpdateHandlerWithOptions(o.ctx, string(name), handle, options); err != nil {
			return err
		}
	}
	return workflow.SetUpdateHandler(o.ctx, SubmitUpdate, o.submit)
}

// decode reads a command strictly. What does not call itself JSON is not looked into: bytes that are encrypted, compressed or meant
// for another decoder must not be taken for a message by chance.
func decode(name order.CommandName, raw converter.RawValue) (order.Command, error) {
	p := raw.Payload()
	if encoding := string(p.GetMetadata()[converter.MetadataEncoding]); encoding != converter.MetadataEncodingJSON && len(p.GetData()) > 0 {
		return nil, fault.New(fault.Invalid, "command.encoding", "データの形式がJSON (json/plain) ではありません。",
			"The message is not sent as JSON (encoding json/plain).")
	}
	return order.DecodeCommand(name, p.GetData())
}

// submit answers whether the submission became an order.
func (o *run) submit(ctx workflow.Context, _ SubmitInput) (order.Receipt, error) {
	if err := workflow.Await(ctx, func() bool { return o.accepted || o.over() }); err != nil {
		return order.Receipt{}, err
	}
	if o.refused != nil {
		return order.Receipt{}, activities.ToTemporal(o.refused)
	}
	return order.Receipt{Number: o.number}, nil
}

// update applies a command that was sent as an Update.
func (o *run) update(ctx workflow.Context, name order.CommandName, raw converter.RawValue) (order.Outcome, error) {
	cmd, err := decode(name, raw)
	if err != nil {
		return order.Outcome{}, activities.ToTemporal(err)
	}
	out, err := o.apply(ctx, cmd)
	return out, activities.ToTemporal(err)
}

// receiveSignals applies commands that were sent as Signals, one after the other.
func (o *run) receiveSignals(ctx workflow.Context) {
	o.signals = workflow.NewSelector(ctx)
	for _, name := range order.CommandNames {
		channel := workflow.GetSignalChannelWithOptions(ctx, string(name), workflow.SignalChannelOptions{Description: name.Description()})
		o.signals.AddReceive(channel, func(c workflow.ReceiveChannel, _ bool) {
			var raw converter.RawValue
			c.Receive(ctx, &raw)
			o.signal(ctx, name, raw)
		})
	}
	for {
		o.signals.Select(ctx)
	}
}

// refuseUnknown refuses signals that bear no command's name: nothing would ever read them, and a slip of the pen must not look
// like a command on its way.
func (o *run) refuseUnknown(ctx workflow.Context) {
	for workflow.Await(ctx, func() bool { return len(unknownSignals(ctx)) > 0 }) == nil {
		name := unknownSignals(ctx)[0]
		var raw converter.RawValue
		workflow.GetSignalChannel(ctx, name).ReceiveAsync(&raw)
		o.signal(ctx, order.CommandName(dcv.Shorten(name, shownName)), raw)
	}
}

// unknownSignals returns the names of signals that have come and that no command bears.
func unknownSignals(ctx workflow.Context) []string {
	names := slices.DeleteFunc(workflow.GetUnhandledSignalNames(ctx), func(name string) bool {
		return slices.Contains(order.CommandNames, order.CommandName(name))
	})
	slices.Sort(names) // they come out of a map
	return names
}

// signal applies one signal. What cannot be applied is refused visibly and the order goes on.
func (o *run) signal(ctx workflow.Context, name order.CommandName, raw converter.RawValue) {
	o.busy++
	defer func() { o.busy-- }()
	cmd, err := decode(name, raw)
	if err == nil {
		_, err = o.apply(ctx, cmd)
	}
	if err != nil {
		o.refuse(ctx, name, err)
	}
}

// refuse keeps why a signal was not applied where staff will see it: audit trail, status and current details.
func (o *run) refuse(ctx workflow.Context, name order.CommandName, err error) {
	if workflow.Await(ctx, func() bool { return o.accepted || o.over() }) != nil {
		return
	}
	reason := fault.Public(activities.FromTemporal(err)).Error()
	workflow.GetLogger(o.ctx).Warn("Signal refused", "signal", string(name), "reason", reason)
	if len(o.refusals) >= maxRefusals {
		return
	}
	o.refusals = append(o.refusals, string(name)+": "+reason)
	o.show()
	if o.refused != nil {
		return // there is no order to which it could be recorded
	}
	at := workflow.Now(ctx).Add(time.Duration(len(o.refusals)) * time.Microsecond) // several in one workflow task count each
	in := activities.RefusalInput{Number: o.number, Command: string(name), Reason: reason, At: at}
	if _, err := call(ctx, recordOptions("record a refused "+string(name)), commands.RecordRefusal, in); err != nil {
		workflow.GetLogger(o.ctx).Error("A refused signal could not be recorded", "signal", string(name), "error", err)
	}
}

// apply carries out a command, one at a time. It waits for acceptance, so that a command sent right after the form counts.
func (o *run) apply(ctx workflow.Context, cmd order.Command) (order.Outcome, error) {
	if err := workflow.Await(ctx, func() bool { return o.accepted || o.over() }); err != nil {
		return order.Outcome{}, err
	}
	if err := o.lock.Lock(ctx); err != nil {
		return order.Outcome{}, err
	}
	defer o.lock.Unlock()
	// The state may have changed since the validator looked.
	if err := o.permits(ctx, cmd); err != nil {
		return order.Outcome{}, err
	}
	out, err := o.perform(ctx, cmd)
	if err != nil {
		return order.Outcome{}, activities.FromTemporal(err)
	}
	out.Order, out.State = o.number, o.state
	o.show()
	return out, nil
}

// perform does what the command asks for.
func (o *run) perform(ctx workflow.Context, cmd order.Command) (order.Outcome, error) {
	switch c := cmd.(type) {
	case order.DomainCheckNow:
		return o.checkNow(ctx, c)
	case order.DomainMethodChanged:
		return o.changeMethod(ctx, c)
	case order.ChallengeResent:
		return o.resend(ctx, c)
	case order.DomainApproved:
		return o.decideApproval(ctx, c)
	case order.ReuseConfirmed:
		return o.decideReuse(ctx, c)
	default:
		return o.record(ctx, cmd)
	}
}

// record stores a staff command and takes note of it.
func (o *run) record(ctx workflow.Context, cmd order.Command) (order.Outcome, error) {
	body, err := json.Marshal(cmd)
	if err != nil {
		return order.Outcome{}, err
	}
	in := activities.CommandInput{Number: o.number, Name: cmd.Name(), Command: body, At: workflow.Now(ctx)}
	res, err := call(ctx, recordOptions("record "+string(cmd.Name())), commands.RecordCommand, in)
	if err != nil {
		return order.Outcome{}, err
	}
	o.phone = PhoneDone{Number: !res.Phone.NumberVerifiedAt.IsZero(), Reached: !res.Phone.ReachedAt.IsZero(), Confirmed: !res.Phone.ConfirmedAt.IsZero()}
	o.note(cmd, res)
	o.follow(res.Reused)
	if !res.Applied {
		return order.Outcome{Text: fault.Text{JA: "すでに記録されています。", EN: "This had been recorded before; nothing changed."}}, nil
	}
	return order.Outcome{Applied: true, Text: fault.Text{JA: "記録しました。", EN: "Recorded."}}, nil
}

// note changes what the main path waits for.
func (o *run) note(cmd order.Command, res activities.CommandResult) {
	switch c := cmd.(type) {
	case order.SubjectCorrected:
		o.corrected++
	case order.InquiryOpened:
		o.inquiry, o.letters = true, true
	case order.InquiryAnswered:
		o.inquiry = false
	case order.ReviewDecided:
		o.decided(c, res.Reissue, workflow.Now(o.ctx))
	case order.OrderRejected:
		o.stop(order.Rejected, c.By(), c.Reason)
	case order.OrderCancelled:
		o.stop(order.Cancelled, c.By(), c.Reason)
	}
}

// permits says whether a command fits the order's state; the error tells staff why not. It changes nothing, since validators
// call it too.
func (o *run) permits(ctx workflow.Context, cmd order.Command) error {
	switch {
	case o.refused != nil:
		return fault.New(fault.Conflict, "order.refused", "この申請は受け付けられませんでした。", "This submission was not accepted.")
	case o.end != nil || o.state.Final():
		return fault.New(fault.Conflict, "order.ended", "このオーダーは終了しています。", "This order has ended.")
	}
	switch cmd.(type) {
	case order.DomainCheckNow, order.DomainMethodChanged, order.ChallengeResent, order.DomainApproved:
		return o.permitsDomain(ctx, cmd)
	case order.ReviewDecided:
		return o.permitsReview(cmd)
	case order.ReuseConfirmed:
		if o.reused.AskedUntil.IsZero() {
			return fault.New(fault.Conflict, "reuse.none", "このオーダーで再利用の確認はお願いしていません。", "Nobody was asked to confirm this order.")
		}
	case order.InquiryOpened:
		if o.inquiry {
			return fault.New(fault.Conflict, "inquiry.open", "回答待ちのお問い合わせがあります。", "An inquiry is still open; wait for its answer.")
		}
	case order.InquiryAnswered:
		if !o.inquiry {
			return fault.New(fault.Conflict, "inquiry.none", "回答待ちのお問い合わせはありません。", "There is no open inquiry.")
		}
	}
	if _, rejected := cmd.(order.OrderRejected); o.state == order.Issuing && (!rejected || o.blocked == "") {
		return fault.New(fault.Conflict, "order.issuing", "証明書を発行中のため、変更できません。", "The certificate is being issued; nothing can be changed any more.")
	}
	return nil
}
