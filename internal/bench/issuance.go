package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"securemailid.example/activities"
	"securemailid.example/internal/app"
	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/config"
	"securemailid.example/internal/csr"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/netlab"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

const (
	issueRounds = 8
	issueCerts  = 60 // in a round
	signers     = 4  // at a time, as in a signing worker (internal/app)
	benchURL    = "http://ca.example.jp"
	benchDomain = "example.co.jp"
)

// issuer is an authority with its record, and the same key bare.
type issuer struct {
	record *record
	ca     *ca.Authority
	rules  policy.Book
	form   order.Application
	spki   []byte

	key      crypto.Signer
	cert     *x509.Certificate
	template *x509.Certificate // a certificate of ours, to be signed bare again
}

// measureIssuance compares an issuance (prepare, lint, reserve, sign, compare, record with its two notices, all synced to disk) with
// x509.CreateCertificate alone, by the same RSA-4096 key, as many at a time as a signing worker does. The second line is the whole
// of both activities, which also read the order and ask DNS for CAA records.
func measureIssuance(ctx context.Context, _ settings, t *table) (err error) {
	i := &issuer{}
	if i.record, err = openRecord(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.record.close(context.WithoutCancel(ctx))) }()
	if err := i.open(ctx); err != nil {
		return err
	}
	plain, err := i.against(ctx, signers, i.issue)
	if err != nil {
		return err
	}
	t.compared(fmt.Sprintf("issuance with its record / bare signature, %d at a time", signers), "certificates", plain, 0.85)
	lab, err := netlab.Start(ctx, netlab.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = lab.Close() }()
	prober, err := probe.New(probe.Config{Resolvers: []string{lab.DNSAddr}, CAAIssuers: []string{"ca.example"}, AllowLoopback: true})
	if err != nil {
		return err
	}
	defer func() { _ = prober.Close() }()
	whole, err := i.against(ctx, signers, i.byActivities(prober))
	t.compared("issuance by its two activities, with CAA / bare signature", "certificates", whole, 0)
	return err
}

// open makes the CA and the certificate that the bare side signs again and again.
func (i *issuer) open(ctx context.Context) error {
	dir := filepath.Join(i.record.dir, "ca")
	if err := devstack.MakeCA(ctx, dir, nil); err != nil {
		return err
	}
	i.rules, _ = policy.Open(policy.Guide)
	var err error
	if i.ca, err = app.LoadAuthority(config.CA{Dir: dir, PolicyOID: "2.999.1.1"}, i.rules, benchURL, time.Now); err != nil {
		return err
	}
	if _, err := app.Publishing(i.record.Store, i.ca, i.rules, time.Now).PublishCRLs(ctx, activities.PublishInput{}); err != nil {
		return err
	}
	text, err := stand.Request()
	if err != nil {
		return err
	}
	i.form = stand.Form(benchDomain, text, order.DCVTXT)
	if i.spki, err = publicKey(text); err != nil {
		return err
	}
	if i.key, err = ca.LoadKey(filepath.Join(dir, ceremony.IssuingKey)); err != nil {
		return err
	}
	certs, err := ca.LoadCertificates(filepath.Join(dir, ceremony.IssuingCertificate))
	if err != nil {
		return err
	}
	i.cert = certs[0]
	tbs, err := i.ca.Prepare(ctx, i.request("1000000000"))
	if err != nil {
		return err
	}
	der, err := i.ca.Sign(ctx, tbs)
	if err != nil {
		return err
	}
	i.template, err = x509.ParseCertificate(der)
	return err
}

func publicKey(text string) ([]byte, error) {
	r, err := csr.Parse(text, nil)
	return r.PublicKey, err
}

func (i *issuer) request(number string) order.CertificateRequest {
	return order.CertificateRequest{
		Order: number, Sequence: 1, Subject: i.form.Subject(), Email: i.form.CertificateEmail, PublicKey: i.spki, ValidityYears: 1,
	}
}

// against takes turns with the bare signature.
func (i *issuer) against(ctx context.Context, atATime int, issue func(ctx context.Context, number string) error) (comparison, error) {
	numbers, err := i.record.validated(ctx, i.form, (issueRounds+1)*issueCerts)
	if err != nil {
		return comparison{}, err
	}
	var round []string
	ours := side{
		prepare: func(context.Context) error {
			round, numbers = numbers[:issueCerts], numbers[issueCerts:]
			return nil
		},
		do: func(ctx context.Context) (float64, error) {
			return each(ctx, issueCerts, atATime, func(ctx context.Context, n int) error { return issue(ctx, round[n]) })
		},
	}
	bare := side{do: func(ctx context.Context) (float64, error) {
		return each(ctx, issueCerts, atATime, func(context.Context, int) error { return i.sign() })
	}}
	return takeTurns(ctx, issueRounds, ours, bare, i.record.postmaster)
}

func (i *issuer) issue(ctx context.Context, number string) error {
	tbs, err := i.ca.Prepare(ctx, i.request(number))
	if err != nil {
		return err
	}
	now := time.Now()
	if _, err := i.record.Reserve(ctx, tbs, dcv.CAADecision{Permitted: true, Code: "none"}, now); err != nil {
		return err
	}
	_, err = i.record.Issue(ctx, number, 1, now,
		func(t order.ToBeSigned) ([]byte, error) { return i.ca.Sign(ctx, t) },
		func(c order.Certificate) []order.Letter { return notices(c, i.form, now) })
	return err
}

// notices are letters as the activity makes them.
func notices(c order.Certificate, app order.Application, now time.Time) (letters []order.Letter) {
	for kind, to := range map[order.LetterKind]string{
		order.LetterIssuedCertificate: app.CertificateEmail, order.LetterIssuedContact: app.TechnicalContact.Email,
	} {
		link := order.Link{ID: uuid.NewString(), Hash: []byte(rand.Text()), Order: c.Order, Purpose: order.LinkDownload, Recipient: to, ExpiresAt: c.NotAfter}
		letters = append(letters, order.Letter{
			ID: uuid.NewString(), Order: c.Order, Kind: kind, Recipient: to, Language: app.Language, CreatedAt: now, Links: []order.Link{link},
			Facts: order.Facts{Number: c.Order, Domain: benchDomain, Serial: c.Serial, NotAfter: c.NotAfter, Link: benchURL + "/download/" + link.ID},
		})
	}
	return letters
}

// byActivities issues as the workflow does.
func (i *issuer) byActivities(caa activities.CAAChecker) func(context.Context, string) error {
	a := activities.Issuing{
		Records: i.record, CAA: caa, Preparer: i.ca, Signer: i.ca, PublicKey: func(_ context.Context, text string) ([]byte, error) { return publicKey(text) }, Policy: i.rules,
		Addresses: activities.Addresses{PublicURL: benchURL}, Clock: time.Now,
	}
	return func(ctx context.Context, number string) error {
		in := activities.IssueInput{Number: number, Sequence: 1}
		if _, err := a.PrepareCertificate(ctx, in); err != nil {
			return err
		}
		_, err := a.SignCertificate(ctx, in)
		return err
	}
}

// sign is the limit: a certificate like ours by the same key, with nothing checked and nothing kept.
func (i *issuer) sign() error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := *i.template
	template.SerialNumber = serial
	_, err = x509.CreateCertificate(rand.Reader, &template, i.cert, template.PublicKey, i.key)
	return err
}
