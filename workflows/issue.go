package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// firstCertificate is the sequence of an order's first certificate.
const firstCertificate = 1

// issue reserves the to-be-signed bytes and signs them, once, whatever is retried. CAA or a lint finding can hold it up; then it
// waits for a correction, a while, or the order's end.
func (o *run) issue() error {
	for !o.over() && !o.tired() {
		if err := o.validateOrganization(); err != nil { // an inquiry may have been opened meanwhile
			return err
		}
		seen := o.corrected
		err := o.reserve()
		switch {
		case o.state == order.Issuing:
			return o.sign()
		case err != nil:
			if err := o.blockedBy(err, func() bool { return o.corrected != seen }); err != nil {
				return err
			}
		}
	}
	return nil
}

// reserve fixes what will be signed. It holds the lock all the while, so that a command either counts before or is told that it
// came too late; an end that came up meanwhile (deadline, cancellation) gives way to the certificate.
func (o *run) reserve() error {
	if err := o.lock.Lock(o.ctx); err != nil {
		return err
	}
	defer o.lock.Unlock()
	if o.over() || o.inquiry {
		return nil
	}
	_, err := call(o.ctx, issueOptions("check CAA, lint, reserve"), issuing.PrepareCertificate, o.issueInput())
	if err == nil {
		o.end = nil
		o.enter(order.Issuing)
	}
	return err
}

func (o *run) issueInput() activities.IssueInput {
	return activities.IssueInput{Number: o.number, Sequence: firstCertificate}
}

// sign signs what is reserved. From here the order ends with its certificate.
func (o *run) sign() error {
	for {
		res, err := call(o.ctx, issueOptions("sign the reserved certificate"), issuing.SignCertificate, o.issueInput())
		if err == nil {
			o.serial, o.letters = res.Serial, true
			o.stopClock()
			o.enter(order.Issued)
			return nil
		}
		o.blocked = fault.Public(activities.FromTemporal(err)).Error()
		o.show()
		if err := workflow.Sleep(o.ctx, blockedRetry); err != nil {
			return err
		}
		o.blocked = ""
	}
}
