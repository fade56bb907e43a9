package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// revoked is the revocation of a certificate by staff: published at once and told.
func revoked(ctx context.Context, s *stand.Stand) (string, error) {
	return revocation(ctx, s, false, nil)
}

// reportConfirmed is a problem report that staff decide to follow.
func reportConfirmed(ctx context.Context, s *stand.Stand) (string, error) {
	return revocation(ctx, s, true, &order.RevocationDecision{Actor: staff.Actor, Revoke: true, Reason: order.ReasonPrivilegeWithdrawn})
}

// reportDeclined is a problem report that staff decide not to follow.
func reportDeclined(ctx context.Context, s *stand.Stand) (string, error) {
	return revocation(ctx, s, true, &order.RevocationDecision{Actor: staff.Actor, Answer: "the certificate is as it should be"})
}

// revocation carries a request about a fresh certificate to its end and returns its workflow's id.
func revocation(ctx context.Context, s *stand.Stand, report bool, decision *order.RevocationDecision) (string, error) {
	c, err := certified(ctx, s)
	if err != nil {
		return "", err
	}
	rev, err := s.Desk.Revoke(ctx, order.RevocationRequest{
		Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonSuperseded, Issuer: c.Issuer, Serial: c.Serial, Undecided: report,
	}, false)
	if err == nil && decision != nil {
		_, err = s.Desk.DecideRevocation(ctx, rev.ID, *decision)
	}
	if err != nil {
		return "", err
	}
	id := workflows.RevokeID(rev.ID)
	return id, s.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
}

// reportEscalated is a problem report that nobody answers until its clock warns; then staff answer, and decide not to follow it.
func reportEscalated(ctx context.Context, s *stand.Stand) (string, error) {
	c, err := certified(ctx, s)
	if err != nil {
		return "", err
	}
	at := time.Now().Add(5*time.Second - 12*time.Hour)
	rev, err := s.Desk.Records.RequestRevocation(ctx, order.RevocationRequest{
		ID: uuid.NewString(), Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonSuperseded, Issuer: c.Issuer, Serial: c.Serial,
		Undecided: true, At: at, DueAt: at.Add(5 * 24 * time.Hour), AnswerDueAt: at.Add(24 * time.Hour),
	})
	if err != nil {
		return "", err
	}
	if err := s.Desk.Orders.Revoke(ctx, rev.ID); err != nil {
		return "", err
	}
	warned := func(e order.Event) bool { return e.Action == "answer-escalated" }
	if err := proc.Await(ctx, 200*time.Millisecond, func(ctx context.Context) error {
		st, err := s.Desk.Records.Order(ctx, c.Order)
		if err == nil && !slices.ContainsFunc(st.Timeline, warned) {
			err = errors.New("no warning yet")
		}
		return err
	}); err != nil {
		return "", err
	}
	if _, err := s.Desk.AnswerReport(ctx, rev.ID, order.ReportAnswer{Actor: staff.Actor, Findings: "we are looking into it"}); err != nil {
		return "", err
	}
	if _, err := s.Desk.DecideRevocation(ctx, rev.ID, order.RevocationDecision{Actor: staff.Actor, Answer: "the key is not compromised"}); err != nil {
		return "", err
	}
	id := workflows.RevokeID(rev.ID)
	return id, s.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
}

// certified returns a fresh certificate.
func certified(ctx context.Context, s *stand.Stand) (order.Certificate, error) {
	number, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return order.Certificate{}, err
	}
	certs, err := s.Desk.Records.Certificates(ctx, number)
	if err != nil || len(certs) != 1 {
		return order.Certificate{}, fmt.Errorf("%d certificates: %w", len(certs), err)
	}
	return certs[0], nil
}
