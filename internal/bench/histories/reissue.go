package main

import (
	"context"
	"time"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/order"
)

// reissueOf asks for the reissue of an order's certificate by what named returns of it; then happens to that what is told.
func reissueOf(ctx context.Context, s *stand.Stand, original string, named func(order.Status) string, happens ...func(number string) error) (string, error) {
	st, err := s.Desk.Records.Order(ctx, original)
	if err != nil {
		return "", err
	}
	number, err := askAgain(ctx, s, st, named(st))
	if err != nil {
		return "", err
	}
	for _, step := range happens {
		if err := s.AwaitQuiet(ctx, number); err != nil {
			return "", err
		}
		if err := step(number); err != nil {
			return "", err
		}
	}
	return number, s.AwaitEnd(ctx, number)
}

// askAgain hands in the request for a reissue.
func askAgain(ctx context.Context, s *stand.Stand, st order.Status, named string) (string, error) {
	ends := st.Certificates[0].NotAfter.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly)
	r, err := s.Desk.Reissue(ctx, order.ReissueRequest{
		Language: order.Japanese, Original: named, ExpiresOn: ends, Reason: order.NewDevice, CSR: st.Application.CSR,
		Representative: st.Application.Representative, TechnicalContact: st.Application.TechnicalContact, TermsAccepted: true,
	}, "")
	return r.Number, err
}

func byNumber(st order.Status) string  { return st.Number }
func byAddress(st order.Status) string { return st.CertificateEmail }

// proved takes an approved reissue through its domain stage, and phoned to its certificate.
func proved(ctx context.Context, s *stand.Stand) func(string) error {
	return func(number string) error {
		if _, err := s.Await(ctx, number, "a challenge", func(st order.Status) bool { return st.Challenge != nil }); err != nil {
			return err
		}
		return s.Prove(ctx, number)
	}
}

func phoned(ctx context.Context, s *stand.Stand) func(string) error {
	return func(number string) error {
		if err := s.AwaitState(ctx, number, order.OrganizationValidation); err != nil {
			return err
		}
		return s.Phone(ctx, number)
	}
}

func decided(approved bool, reason, original string) order.ReviewDecided {
	return order.ReviewDecided{Actor: staff, Approved: &approved, Reason: reason, Original: original}
}

func reissued(ctx context.Context, s *stand.Stand) (string, error) {
	original, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	return reissueOf(ctx, s, original, byNumber, updated(ctx, s, decided(true, "", "")), proved(ctx, s), phoned(ctx, s))
}

// reissueRefused asks for validation information too early, and is refused by staff.
func reissueRefused(ctx context.Context, s *stand.Stand) (string, error) {
	original, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	return reissueOf(ctx, s, original, byNumber,
		signalled(ctx, s, order.ChallengeResent{Actor: applicant}), updated(ctx, s, decided(false, "nobody there knows of it", "")))
}

// reissueChosen asks by the address of a certificate that has been reissued before: two fit, and staff choose, at first without
// saying which.
func reissueChosen(ctx context.Context, s *stand.Stand) (string, error) {
	original, err := reissued(ctx, s)
	if err != nil {
		return "", err
	}
	return reissueOf(ctx, s, original, byAddress,
		signalled(ctx, s, decided(true, "", "")), signalled(ctx, s, decided(true, "", original)), proved(ctx, s), phoned(ctx, s))
}
