package activities

import (
	"context"
	"fmt"
	"time"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Issuing freezes an order's content, prepares the certificate and signs it, exactly once.
type Issuing struct {
	Records   Records
	CAA       CAAChecker
	Preparer  Preparer
	Signer    Signer
	PublicKey func(ctx context.Context, csr string) (spki []byte, err error)
	Policy    policy.Book
	Addresses Addresses
	Clock     func() time.Time
}

// IssueInput names the certificate: the order and its sequence, 1 for the first.
type IssueInput struct {
	Number   string `json:"number"`
	Sequence int    `json:"sequence"`
}

// PrepareResult names what was reserved, or says where the order stands after something that it had reused proved not to hold any more: then
// nothing was reserved.
type PrepareResult struct {
	Serial string        `json:"serial"`
	Reused *order.Reused `json:"reused,omitempty"`
}

// PrepareCertificate checks CAA (C7), builds and lints the to-be-signed bytes and reserves them: from then on nothing else can be
// signed for this order and sequence. A CAA record that forbids it and a lint finding are Conflicts. Reused evidence that has reached its
// age limit meanwhile (rules B) sends the order back to be validated.
func (i *Issuing) PrepareCertificate(ctx context.Context, in IssueInput) (PrepareResult, error) {
	t, err := i.Records.Reserved(ctx, in.Number, in.Sequence)
	if fault.KindOf(err) != fault.NotFound {
		return PrepareResult{Serial: t.Serial}, i.blocked(ctx, in, err)
	}
	st, err := i.Records.Order(ctx, in.Number)
	if err != nil {
		return PrepareResult{}, i.blocked(ctx, in, err)
	}
	if st.Reuse != nil {
		now := i.Clock()
		lapsed, err := i.Records.EndLapsedReuses(ctx, in.Number, i.Policy.At(now).Reuse(), now)
		if err != nil || lapsed != nil {
			return PrepareResult{Reused: lapsed}, i.blocked(ctx, in, err)
		}
	}
	t, err = i.reserve(ctx, in, st)
	return PrepareResult{Serial: t.Serial}, i.blocked(ctx, in, err)
}

// reserve does the preparing.
func (i *Issuing) reserve(ctx context.Context, in IssueInput, st order.Status) (order.ToBeSigned, error) {
	now := i.Clock()
	rules := i.Policy.At(now)
	if n := rules.RemotePerspectives; n > 0 {
		return order.ToBeSigned{}, uncorroborated(n)
	}
	caa, err := i.permitted(ctx, st.Domain)
	if err != nil {
		return order.ToBeSigned{}, err
	}
	spki, err := i.PublicKey(ctx, st.Application.CSR)
	if err != nil {
		return order.ToBeSigned{}, err
	}
	request := order.CertificateRequest{
		Order: in.Number, Sequence: in.Sequence, Subject: st.Subject, Email: st.CertificateEmail, PublicKey: spki,
		ValidityYears: st.ValidityYears, NotAfter: renewalEnd(st, rules, now),
	}
	if st.Type == order.Reissue {
		if err := i.again(ctx, &request); err != nil {
			return order.ToBeSigned{}, err
		}
	}
	t, err := i.Preparer.Prepare(ctx, request)
	if err != nil {
		return order.ToBeSigned{}, err
	}
	return i.Records.Reserve(ctx, t, caa, i.Clock())
}

// again makes of the request one for a reissue: the name of the original and its end (G25). An original that has ended or was revoked
// meanwhile is a Conflict.
func (i *Issuing) again(ctx context.Context, r *order.CertificateRequest) error {
	original, facts, err := i.Records.Original(ctx, r.Order)
	if err != nil {
		return err
	}
	now := i.Clock()
	if err := original.View().Reissuable(facts.Reason, i.Policy.At(now).ReissueAfterCompromise, now); err != nil {
		return err
	}
	if err := original.AnotherKey(facts.Reason, r.PublicKey); err != nil {
		return err
	}
	r.NotAfter = original.NotAfter
	r.RawSubject, err = original.RawSubject()
	return err
}

// blocked keeps for staff why no certificate can be issued at present. What stays in the history is the code and a text without the
// domain; a failure that may pass blocks nothing.
func (i *Issuing) blocked(ctx context.Context, in IssueInput, err error) error {
	if !fault.Permanent(err) {
		return err
	}
	f := fault.Public(err)
	if err := i.Records.Block(ctx, in.Number, f.Text, i.Clock()); err != nil {
		return err
	}
	return fault.New(f.Kind, f.Code, "証明書を発行できません。理由はオーダーの状況に記録しました。", "No certificate can be issued; the order's status says why.").Because(f)
}

// uncorroborated holds issuance back under a policy that asks for remote perspectives (C1, C2): none are connected, and a
// certificate without their corroboration would be mis-issued.
func uncorroborated(n int) error {
	return fault.New(fault.Conflict, "perspectives.none",
		fmt.Sprintf("この規程では%d拠点以上からの確認が必要ですが、確認拠点が接続されていません。", n),
		fmt.Sprintf("This policy asks for corroboration by %d remote perspectives or more, and none are connected.", n))
}

// SignResult names the issued certificate.
type SignResult struct {
	Serial   string    `json:"serial"`
	NotAfter time.Time `json:"not_after"`
}

// SignCertificate signs the reserved bytes and records the certificate with the two notices (G21). Repeated, it finds the
// certificate recorded, or signs the same bytes to the same result.
func (i *Issuing) SignCertificate(ctx context.Context, in IssueInput) (SignResult, error) {
	st, err := i.Records.Order(ctx, in.Number)
	if err != nil {
		return SignResult{}, err
	}
	now := i.Clock()
	if err := i.recheckCAA(ctx, st, in, now); err != nil {
		return SignResult{}, i.blocked(ctx, in, err)
	}
	c, err := i.Records.Issue(ctx, in.Number, in.Sequence, now,
		func(t order.ToBeSigned) ([]byte, error) { return i.Signer.Sign(ctx, t) },
		func(c order.Certificate) []order.Letter { return i.notices(st, c, now) })
	if err != nil {
		return SignResult{}, i.blocked(ctx, in, err)
	}
	return SignResult{Serial: c.Serial, NotAfter: c.NotAfter}, nil
}

// recheckCAA looks at the domain's CAA records again when signing comes later than their check allows (C7).
func (i *Issuing) recheckCAA(ctx context.Context, st order.Status, in IssueInput, now time.Time) error {
	t, err := i.Records.Reserved(ctx, in.Number, in.Sequence)
	if err != nil || st.State == order.Issued || now.Sub(t.NotBefore) < i.Policy.At(now).CAAMaxAge {
		return err
	}
	_, err = i.permitted(ctx, st.Domain)
	return err
}

// permitted asks the domain's CAA records; a refusal is a Conflict.
func (i *Issuing) permitted(ctx context.Context, domain string) (dcv.CAADecision, error) {
	caa, err := i.CAA.CheckCAA(ctx, domain)
	if err == nil && !caa.Permitted {
		err = &fault.Error{Kind: fault.Conflict, Code: "caa." + caa.Code, Text: caa.Text}
	}
	return caa, err
}

// notices are the two letters of G21, each with a download link of its own.
func (i *Issuing) notices(st order.Status, c order.Certificate, now time.Time) []order.Letter {
	expires := now.Add(i.Policy.At(now).DownloadLinkLife)
	var letters []order.Letter
	for _, n := range []struct {
		kind order.LetterKind
		to   string
	}{
		{order.LetterIssuedCertificate, st.CertificateEmail},
		{order.LetterIssuedContact, st.Application.TechnicalContact.Email},
	} {
		l := letter(n.kind, "", st.Number, st.Application, now, order.Facts{Domain: st.Domain, Serial: c.Serial, NotAfter: c.NotAfter})
		l.Recipient = n.to
		if n.kind == order.LetterIssuedCertificate {
			l.Facts.ContactName = ""
		}
		letters = append(letters, i.Addresses.withDownload(l, expires))
	}
	return letters
}
