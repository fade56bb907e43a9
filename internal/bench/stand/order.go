package stand

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
	"securemailid.example/internal/voucher"
)

// patience bounds every wait; a state that is not reached by then never will be.
const patience = 2 * time.Minute

// Staff is the actor of staff commands.
var Staff = order.Actor{Actor: "staff/bench"}

// Request makes a key and a CSR. One serves every order, since the form wins (G6) and making a key takes longer than an order.
func Request() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "info@example.co.jp"}}, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), err
}

// Form is a complete application form for a domain; the voucher is left out.
func Form(domain, csr string, method order.DCVMethod) order.Application {
	return order.Application{
		Language: order.Japanese, Type: order.New, ValidityYears: 1, CSR: csr, CertificateEmail: "info@" + domain, DCVMethod: method,
		Organization: order.Organization{
			NameJA: "サンプル商事株式会社", Name: "Sample Trading K.K.", Unit: "Test Services", State: "Tokyo", City: "Chuo-ku",
			Street: "1-2-3 Sample", PostalCode: "104-0061", Telephone: "03-1234-5678",
		},
		Representative: order.Representative{
			Department: "情報システム部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin",
			Email: "representative@" + domain,
		},
		TechnicalContact: order.TechnicalContact{
			Company: "サンプル商事株式会社", Department: "情報システム部", FamilyName: "Gijutsu", GivenName: "Tantou", Telephone: "03-1234-5679",
			Email: "tech@" + domain,
		},
		TermsAccepted: true,
	}
}

// Applications fills in n forms, each for a domain of its own, with vouchers from one batch.
func (s *Stand) Applications(ctx context.Context, method order.DCVMethod, n int) ([]order.Application, error) {
	codes, err := s.vouchers(ctx, n)
	if err != nil {
		return nil, err
	}
	out := make([]order.Application, n)
	for i := range out {
		out[i] = Form("d"+strings.ToLower(rand.Text()[:10])+".example.co.jp", s.csr, method)
		out[i].Voucher = codes[i]
	}
	return out, nil
}

// vouchers issues a batch and returns its codes.
func (s *Stand) vouchers(ctx context.Context, n int) ([]string, error) {
	now := time.Now()
	b := voucher.Batch{
		ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.VoucherCode, ValidityYears: 1, Count: n,
		ExpiresAt: now.AddDate(1, 0, 0), CreatedAt: now, CreatedBy: Staff.Actor,
	}
	codes, vs := make([]string, n), make([]voucher.Voucher, n)
	for i := range codes {
		code, err := voucher.Generate(b.Kind, rand.Reader)
		if err != nil {
			return nil, err
		}
		codes[i] = code.Reveal()
		vs[i] = voucher.Voucher{
			ID: uuid.NewString(), Batch: b.ID, Hash: s.Desk.Vouchers.Hash(code), Masked: code.String(), Kind: b.Kind, ValidityYears: 1,
			State: voucher.Unused, CreatedAt: now, ExpiresAt: b.ExpiresAt,
		}
	}
	return codes, s.Desk.Records.CreateBatch(ctx, b, vs, Staff.Actor)
}

// Start hands in one application and waits until its challenge is out.
func (s *Stand) Start(ctx context.Context, method order.DCVMethod) (order.Status, error) {
	as, err := s.Applications(ctx, method, 1)
	if err != nil {
		return order.Status{}, err
	}
	r, err := s.Desk.Submit(ctx, as[0], "")
	if err != nil {
		return order.Status{}, err
	}
	return s.Await(ctx, r.Number, "a challenge", func(st order.Status) bool { return st.Challenge != nil })
}

// Await waits until the record says what is waited for.
func (s *Stand) Await(ctx context.Context, number, what string, done func(order.Status) bool) (order.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var st order.Status
	err := proc.Await(ctx, 30*time.Millisecond, func(ctx context.Context) error {
		var err error
		if st, err = s.Desk.Records.Order(ctx, number); err != nil {
			return err
		}
		if !done(st) {
			return fmt.Errorf("order %s in state %s has no %s yet", number, st.State, what)
		}
		return nil
	})
	return st, err
}

// AwaitState waits for a state.
func (s *Stand) AwaitState(ctx context.Context, number string, want order.State) error {
	_, err := s.Await(ctx, number, string(want), func(st order.Status) bool { return st.State == want })
	return err
}

// Prove does what the technical contact or the domain owner does for the order's current challenge.
func (s *Stand) Prove(ctx context.Context, number string) error {
	c, err := s.Desk.Records.Challenge(ctx, number)
	if err != nil {
		return err
	}
	i := c.Instruction()
	switch c.Method {
	case order.DCVTXT:
		return s.Lab.SetTXT(i.RecordName, i.RecordValue)
	case order.DCVCNAME:
		return s.Lab.SetCNAME(i.RecordName, i.RecordValue)
	case order.DCVFile:
		u, err := url.Parse(i.FileURL)
		if err != nil {
			return err
		}
		return s.Lab.SetFile(u.Hostname(), u.Path, i.FileContent)
	default:
		return s.Decide(ctx, number, true)
	}
}

// Decide is the domain owner's answer to the validation mail, as the approval page passes it on (G17).
func (s *Stand) Decide(ctx context.Context, number string, approved bool) error {
	c, err := s.Desk.Records.Challenge(ctx, number)
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	mail, err := s.Mailbox.Wait(wait, func(m mailbox.Mail) bool { return m.SentTo("admin@" + c.Domain) })
	if err != nil {
		return err
	}
	for _, address := range mail.Links {
		if _, token, ok := strings.Cut(address, "/approve/"); ok {
			link, err := s.Desk.Records.Link(ctx, secret.Hash(token))
			if err != nil {
				return err
			}
			return s.Command(ctx, number, order.DomainApproved{Actor: order.Actor{Actor: "domain-owner"}, Link: link.ID, Approved: &approved})
		}
	}
	return fmt.Errorf("mail %s to admin@%s has no approval link", mail.ID, c.Domain)
}

// Command sends a command as an Update and waits for its answer.
func (s *Stand) Command(ctx context.Context, number string, c order.Command) error {
	_, err := s.Desk.Orders.Command(ctx, number, c)
	return err
}

// PhoneSteps are the three commands of G20.
func PhoneSteps() []order.Command {
	return []order.Command{
		order.PhoneNumberVerified{Actor: Staff, Number: "+81312345600", Source: order.SourceGovernment, Reference: "register"},
		order.RepresentativeReached{Actor: Staff, How: order.ReachedByTransfer},
		order.RepresentativeConfirmed{Actor: Staff},
	}
}

// Phone sends the three phone steps as signals, each after the engine is done with the one before, as a person on the phone does.
func (s *Stand) Phone(ctx context.Context, number string) error {
	for _, c := range PhoneSteps() {
		if err := s.AwaitQuiet(ctx, number); err != nil {
			return err
		}
		if err := s.Signal(ctx, number, c); err != nil {
			return err
		}
	}
	return nil
}

// Signal sends a command as a signal.
func (s *Stand) Signal(ctx context.Context, number string, c order.Command) error {
	return s.Desk.Orders.Signal(ctx, number, c)
}

// Carry takes an order from the form to its certificate and returns when its workflow has ended.
func (s *Stand) Carry(ctx context.Context, method order.DCVMethod) (string, error) {
	st, err := s.Start(ctx, method)
	if err != nil {
		return "", err
	}
	return st.Number, s.Finish(ctx, st.Number)
}

// Finish takes an order whose challenge is out to its certificate and returns when its workflow has ended.
func (s *Stand) Finish(ctx context.Context, number string) error {
	if err := s.Prove(ctx, number); err != nil {
		return err
	}
	if err := s.AwaitState(ctx, number, order.OrganizationValidation); err != nil {
		return err
	}
	if err := s.Phone(ctx, number); err != nil {
		return err
	}
	return s.AwaitEnd(ctx, number)
}
