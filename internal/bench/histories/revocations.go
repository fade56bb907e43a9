package main

import (
	"context"
	"fmt"

	"securemailid.example/internal/bench/stand"
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
	number, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	certs, err := s.Desk.Records.Certificates(ctx, number)
	if err != nil || len(certs) != 1 {
		return "", fmt.Errorf("%d certificates: %w", len(certs), err)
	}
	rev, err := s.Desk.Revoke(ctx, order.RevocationRequest{
		Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonSuperseded, Issuer: certs[0].Issuer, Serial: certs[0].Serial, Undecided: report,
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
