package workflows

import (
	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// firstCertificate is the sequence of an order's first certificate.
const firstCertificate = 1

// issue reserves the to-be-signed bytes and signs them, once, whatever is retried. CAA or a lint finding can hold it up; then it
// waits for a correction, a while, or the order's end.
func (o *run) issue() error {
	for o.state != order.Issuing {
		if err := o.validateOrganization(); err != nil { // an inquiry may have been opened meanwhile
			return err
		}
		if o.over() || o.tired() {
			return nil
		}
		seen := o.corrected
		if err := o.reserve(); err != nil {
			if err := o.blockedBy(err, func() bool { return o.corrected != seen }); err != nil {
				return err
			}
		}
	}
	return o.sign()
}

// reserve fixes what will be signed. It holds the lock all the while, so that a command either counts before or is told that it
// came too late; an end that came up meanwhile (deadline, cancellation) gives way to the certificate.
func (o *run) reserve() error {
	if err := o.lock.Lock(o.ctx); err != nil {
		return err
	}
	defer o.lock.Unlock()
	if o.over() || o.inquiry || !o.organizationProved() || !o.domainProved() {
		return nil
	}
	res, err := call(o.ctx, prepareOptions("check CAA, lint, reserve"), issuing.PrepareCertificate, o.issueInput())
	if err != nil {
		return err
	}
	if res.Reused != nil { // something does not hold any more: it is validated first
		o.follow(res.Reused)
		return nil
	}
	o.end = nil
	o.enter(order.Issuing)
	return nil
}

func (o *run) issueInput() activities.IssueInput {
	return activities.IssueInput{Number: o.number, Sequence: firstCertificate}
}

// sign signs what is reserved. While the CA cannot, staff see why, it is tried again, and the order may be rejected.
func (o *run) sign() error {
	for {
		err := o.signOnce()
		if err == nil {
			return nil
		}
		if err := o.blockedBy(err, func() bool { return false }); err != nil || o.over() || o.tired() {
			return err
		}
	}
}

// signOnce holds the lock, so that a rejection counts before or comes too late.
func (o *run) signOnce() error {
	if err := o.lock.Lock(o.ctx); err != nil {
		return err
	}
	defer o.lock.Unlock()
	if o.over() {
		return nil
	}
	res, err := call(o.ctx, signOptions("sign the reserved certificate"), issuing.SignCertificate, o.issueInput())
	if err != nil {
		return err
	}
	o.serial, o.letters = res.Serial, true
	o.stopClock()
	o.enter(order.Issued)
	return nil
}
