package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/voucher"
)

var domains atomic.Int64

// newDomain returns a domain that no other test uses.
func newDomain() string { return fmt.Sprintf("d%d.example.co.jp", domains.Add(1)) }

// vouchers issues a batch and returns its codes.
func (w *world) vouchers(count int) []string {
	w.t.Helper()
	now := time.Now()
	b := voucher.Batch{
		ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.VoucherCode, ValidityYears: 1, Count: count,
		ExpiresAt: now.AddDate(1, 0, 0), CreatedAt: now, CreatedBy: "staff/test",
	}
	var codes []string
	var batch []voucher.Voucher
	for range count {
		code, err := voucher.Generate(voucher.VoucherCode, rand.Reader)
		require.NoError(w.t, err)
		codes = append(codes, code.Reveal())
		batch = append(batch, voucher.Voucher{
			ID: uuid.NewString(), Batch: b.ID, Hash: w.desk.Vouchers.Hash(code), Masked: code.String(), Kind: b.Kind, ValidityYears: 1,
			State: voucher.Unused, CreatedAt: now, ExpiresAt: b.ExpiresAt,
		})
	}
	require.NoError(w.t, w.desk.Records.CreateBatch(w.ctx, b, batch, "staff/test"))
	return codes
}

// hash is how the record knows a voucher.
func (w *world) hash(code string) []byte {
	w.t.Helper()
	c, err := voucher.Normalize(code)
	require.NoError(w.t, err)
	return w.desk.Vouchers.Hash(c)
}

// request makes a key and a CSR.
func request(t *testing.T, email string) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: email}, EmailAddresses: []string{email},
	}, key)
	require.NoError(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// anyRequest is one CSR for all tests that do not use the key: what it says of its owner does not count (G6).
var anyRequest struct {
	once sync.Once
	csr  string
}

// application fills in the form for a new domain.
func (w *world) application(method order.DCVMethod) order.Application {
	w.t.Helper()
	return w.formWith(method, w.vouchers(1)[0])
}

// formWith fills in the form for a new domain and a voucher.
func (w *world) formWith(method order.DCVMethod, code string) order.Application {
	w.t.Helper()
	anyRequest.once.Do(func() { _, anyRequest.csr = request(w.t, "anybody@example.com") })
	domain := newDomain()
	return order.Application{
		Language: order.Japanese, Voucher: code, Type: order.New, ValidityYears: 1, CSR: anyRequest.csr,
		CertificateEmail: "info@" + domain, DCVMethod: method,
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
			Email: contactOf(domain),
		},
		TermsAccepted: true,
	}
}

func contactOf(domain string) string { return "tech@" + domain }

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// submit hands the application in and returns the order number.
func (w *world) submit(a order.Application) string {
	w.t.Helper()
	r, err := w.handIn(a)
	require.NoError(w.t, err)
	return r.Number
}

// handIn hands the form in, and the same once more while the answer is that it could not be taken at the moment: the machine is busy.
func (w *world) handIn(a order.Application) (r order.Receipt, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	busy := proc.Await(ctx, tick, func(ctx context.Context) error {
		r, err = w.desk.Submit(ctx, a, "")
		if fault.KindOf(err) == fault.Unavailable {
			return err
		}
		return nil
	})
	return r, errors.Join(busy, err)
}

// order starts an order and waits until its challenge is out.
func (w *world) order(method order.DCVMethod) string {
	w.t.Helper()
	return w.challenged(w.submit(w.application(method)))
}

// challenged waits until the order's first challenge is out.
func (w *world) challenged(number string) string {
	w.t.Helper()
	w.await(number, "a challenge", func(s order.Status) bool { return s.Challenge != nil })
	return number
}

// prove does what the technical contact or the domain owner does for the order's current challenge.
func (w *world) prove(number string) {
	w.t.Helper()
	w.publish(w.challenge(number))
}

// challenge is the order's current challenge, as the mails about it tell it.
func (w *world) challenge(number string) dcv.Challenge {
	w.t.Helper()
	c, err := w.desk.Records.Challenge(w.ctx, number)
	require.NoError(w.t, err)
	return c
}

// publish puts what a challenge asks for into the world.
func (w *world) publish(c dcv.Challenge) {
	w.t.Helper()
	i := c.Instruction()
	switch c.Method {
	case order.DCVTXT:
		require.NoError(w.t, w.Lab.SetTXT(i.RecordName, i.RecordValue))
	case order.DCVCNAME:
		require.NoError(w.t, w.Lab.SetCNAME(i.RecordName, i.RecordValue))
	case order.DCVFile:
		u, err := url.Parse(i.FileURL)
		require.NoError(w.t, err)
		require.NoError(w.t, w.Lab.SetFile(u.Hostname(), u.Path, i.FileContent))
	case order.DCVEmail:
		w.decide(w.approvalLink(c.Domain), "approve")
	}
}
