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
	return reissueBy(ctx, s, again(st, named(st)), happens...)
}

// reissueBy hands in a request; then happens to it what is told.
func reissueBy(ctx context.Context, s *stand.Stand, r order.ReissueRequest, happens ...func(number string) error) (string, error) {
	receipt, err := s.Desk.Reissue(ctx, r, "")
	if err != nil {
		return "", err
	}
	number := receipt.Number
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

// again is the request for the reissue of an order's certificate.
func again(st order.Status, named string) order.ReissueRequest {
	return order.ReissueRequest{
		Language: order.Japanese, Original: named, Reason: order.NewDevice, CSR: st.Application.CSR,
		ExpiresOn:      st.Certificates[0].NotAfter.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly),
		Representative: st.Application.Representative, TechnicalContact: st.Application.TechnicalContact, TermsAccepted: true,
	}
}

func byNumber(st order.Status) string  { return st.Number }
func byAddress(st order.Status) string { return st.CertificateEmail }

// proved asks for validation information instead of waiting for the representative's answer (G16), and publishes it.
func proved(ctx context.Context, s *stand.Stand) func(string) error {
	return func(number string) error {
		if err := s.Command(ctx, number, order.ChallengeResent{Actor: applicant}); err != nil {
			return err
		}
		if err := s.Prove(ctx, number); err != nil {
			return err
		}
		return s.AwaitState(ctx, number, order.OrganizationValidation)
	}
}

// phoned takes the three phone steps, after which the domain that the original proved is known, too (G16).
func phoned(ctx context.Context, s *stand.Stand) func(string) error {
	return func(number string) error { return s.Phone(ctx, number) }
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

// reissueCompromise has the original revoked, whose key somebody else may have. The key is its own: all orders with it are concerned.
func reissueCompromise(ctx context.Context, s *stand.Stand) (string, error) {
	as, err := s.Applications(ctx, order.DCVTXT, 1)
	if err != nil {
		return "", err
	}
	if as[0].CSR, err = stand.Request(); err != nil {
		return "", err
	}
	receipt, err := s.Desk.Submit(ctx, as[0], "")
	if err != nil {
		return "", err
	}
	st, err := s.Await(ctx, receipt.Number, "a challenge", func(st order.Status) bool { return st.Challenge != nil })
	if err != nil {
		return "", err
	}
	if err := s.Finish(ctx, st.Number); err != nil {
		return "", err
	}
	if st, err = s.Desk.Records.Order(ctx, st.Number); err != nil {
		return "", err
	}
	r := again(st, st.Number)
	r.Reason = order.KeyCompromise
	if r.CSR, err = stand.Request(); err != nil {
		return "", err
	}
	return reissueBy(ctx, s, r, updated(ctx, s, decided(true, "", "")), phoned(ctx, s))
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
		signalled(ctx, s, decided(true, "", "")), signalled(ctx, s, decided(true, "", original)), phoned(ctx, s))
}
