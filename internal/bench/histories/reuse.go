package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

// renewed applies for the renewal of what an earlier order got (G3), so that its representative is asked first (G16); then happens to it what
// is told.
func renewed(ctx context.Context, s *stand.Stand, happens ...func(number string) error) (string, error) {
	first, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	st, err := s.Desk.Records.Order(ctx, first)
	if err != nil {
		return "", err
	}
	forms, err := s.Applications(ctx, order.DCVTXT, 1)
	if err != nil {
		return "", err
	}
	form := st.Application
	form.Voucher, form.Type = forms[0].Voucher, order.Renewal
	r, err := s.Desk.Submit(ctx, form, "")
	if err != nil {
		return "", err
	}
	for _, step := range happens {
		if err := s.AwaitQuiet(ctx, r.Number); err != nil {
			return "", err
		}
		if err := step(r.Number); err != nil {
			return "", err
		}
	}
	return r.Number, s.AwaitEnd(ctx, r.Number)
}

// answered is what the representative says, as the confirmation page passes it on.
func answered(ctx context.Context, s *stand.Stand, confirmed bool) func(string) error {
	return func(number string) error {
		wait, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var token string
		_, err := s.Mailbox.Wait(wait, func(m mailbox.Mail) bool {
			for _, address := range m.Links {
				if _, found, ok := strings.Cut(address, "/confirm/"); ok && strings.Contains(m.Text, number) {
					token = found
				}
			}
			return token != ""
		})
		if err != nil {
			return fmt.Errorf("no mail asks the representative of order %s: %w", number, err)
		}
		link, err := s.Desk.Records.Link(ctx, secret.Hash(token))
		if err != nil {
			return err
		}
		return s.Command(ctx, number, order.ReuseConfirmed{Actor: order.Actor{Actor: "representative"}, Link: link.ID, Approved: &confirmed})
	}
}

func reuseConfirmed(ctx context.Context, s *stand.Stand) (string, error) {
	return renewed(ctx, s, answered(ctx, s, true))
}

func reuseDenied(ctx context.Context, s *stand.Stand) (string, error) {
	return renewed(ctx, s, answered(ctx, s, false))
}

func reusePhoned(ctx context.Context, s *stand.Stand) (string, error) {
	return renewed(ctx, s, func(number string) error { return s.Phone(ctx, number) })
}

// reuseEnded has the organisation's name corrected after everything was reused: it is validated anew.
func reuseEnded(ctx context.Context, s *stand.Stand) (string, error) {
	return renewed(ctx, s,
		updated(ctx, s, order.InquiryOpened{Actor: staff, Question: "Is the English name the registered one?"}),
		answered(ctx, s, true),
		updated(ctx, s, order.SubjectCorrected{Actor: staff, Organization: "Example Trading K.K.", Reason: "register"}),
		func(number string) error { return s.AwaitState(ctx, number, order.DomainValidation) },
		func(number string) error { return s.Prove(ctx, number) },
		updated(ctx, s, order.InquiryAnswered{Actor: applicant, Answer: "It is not."}),
		func(number string) error { return s.AwaitState(ctx, number, order.OrganizationValidation) },
		func(number string) error { return s.Phone(ctx, number) })
}
