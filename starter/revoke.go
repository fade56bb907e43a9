package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// revokeOptions are the flags of revoke.
type revokeOptions struct {
	reason, note, actor, key, proof string
	reporter                        string
	sequence                        int
	urgent, report, json            bool
	wait                            time.Duration
}

func (p *program) revoke() *cobra.Command {
	var o revokeOptions
	c := &cobra.Command{
		Use:     "revoke ORDER|SERIAL --reason REASON | --key-compromise FILE | --proof FILE",
		GroupID: groupStaff,
		Short:   "証明書を失効 / Revoke a certificate",
		Long: `証明書を失効します。取り消しはできません。OCSPには直ちに、CRLには発行し次第反映されます。理由 (RFC 5280):
  ` + reasonNames() + `
keyCompromise では、同じ鍵のすべての証明書を失効し、その鍵を以後受け付けません。--key-compromise には漏えいした鍵の証明書・CSR・鍵のファイルを、
--proof には証明書の秘密鍵による署名 (「revoke text」) を指定します。--report は第三者からの通報を記録し、判断 (「revoke decide」) を待ちます。

Revokes a certificate, for good. OCSP says so at once, the CRL as soon as it is signed. With keyCompromise every certificate with the key is
revoked and the key is refused from then on. --key-compromise takes a certificate, CSR or key; --proof takes a signature by the
certificate's key (see "revoke text"). --report records a problem report, which waits for "revoke decide" under its clock.`,
		Example: `  starter revoke 1234567890 --reason superseded
  starter revoke 4f1c9a7be02d5533 --reason privilegeWithdrawn --report --note "reported by phone"
  starter revoke --key-compromise leaked.pem
  starter revoke --proof request.p7s`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.json = o.json
			return p.revokeBy(cmd.Context(), o, args)
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.reason, "reason", "", "失効理由 / why")
	flags.StringVar(&o.note, "note", "", "担当者向けのメモ / note for staff")
	flags.StringVar(&o.actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	flags.StringVar(&o.key, "key-compromise", "", "漏えいした鍵のファイル、- は標準入力 / file with the compromised key, - for standard input")
	flags.StringVar(&o.proof, "proof", "", "署名済みの申し出、- は標準入力 / signed request, - for standard input")
	flags.IntVar(&o.sequence, "sequence", 0, "オーダーの何番目の証明書か (既定: 最新) / which certificate of the order (default: the latest)")
	flags.BoolVar(&o.urgent, "urgent", false, "24時間以内に必要 (無権限の申請、認証の誤り) / due within 24 hours: request not authorised, validation unreliable")
	flags.BoolVar(&o.report, "report", false, "通報として記録し判断を待つ / record a report that waits for a decision")
	flags.StringVar(&o.reporter, "reporter", "", "--report: 通報者のメールアドレス。回答を送ります / address of whoever reported it, for the answers")
	flags.DurationVar(&o.wait, "wait", 30*time.Second, "CRLの発行を待つ時間 / how long to wait for the CRL")
	flags.BoolVar(&o.json, "json", false, "結果をJSONで表示 / print JSON")
	c.AddCommand(p.revokeText(), p.revokeList(), p.revokeAnswer(), p.revokeDecide())
	return c
}

// reasonNames lists the reasons as they are typed.
func reasonNames() string {
	var names []string
	for _, r := range append(order.SubscriberReasons(), order.ReasonPrivilegeWithdrawn) {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}

func (p *program) revokeBy(ctx context.Context, o revokeOptions, args []string) error {
	if ways := len(args) + count(o.key != "") + count(o.proof != ""); ways != 1 {
		return wrongUsage("オーダー番号かシリアル番号、--key-compromise、--proof のいずれか1つを指定してください。", "Name an order or serial number, or use --key-compromise or --proof: one of them.")
	}
	actor, err := p.actor(o.actor)
	if err != nil {
		return err
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		r, err := p.revocationRequest(ctx, d, o, args)
		if err != nil {
			return err
		}
		r.Actor, r.Note, r.Undecided, r.Reporter = actor, o.note, o.report, o.reporter
		rev, err := d.Revoke(ctx, r, o.urgent)
		if err != nil {
			return err
		}
		if rev.Reason != r.Reason {
			p.err.Println(p.out.Yellow(p.say("すでに別の理由で失効しています。理由は変わりません", "revoked already for another reason, which stays")+":"), rev.Reason.String())
		}
		if !rev.Undecided() {
			rev = p.awaitList(ctx, d, rev, o.wait)
		}
		return p.revocationOutcome(rev)
	})
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// revocationRequest reads what is asked for off the command line.
func (p *program) revocationRequest(ctx context.Context, d *app.Desk, o revokeOptions, args []string) (order.RevocationRequest, error) {
	switch {
	case o.key != "":
		data, err := p.readFileOrInput(o.key, maxKeyFile)
		if err != nil {
			return order.RevocationRequest{}, err
		}
		key, err := csr.KeyFingerprint(data)
		return order.RevocationRequest{Origin: order.RevocationByKey, Reason: order.ReasonKeyCompromise, Key: key[:]}, err
	case o.proof != "":
		return p.provedRequest(ctx, d, o.proof)
	}
	reason, err := parseReason(o.reason)
	if err != nil {
		return order.RevocationRequest{}, err
	}
	c, err := p.findCertificate(ctx, d, args[0], o.sequence)
	return order.RevocationRequest{Origin: order.RevocationByStaff, Reason: reason, Issuer: c.Issuer, Serial: c.Serial}, err
}

// maxKeyFile bounds a file with a key or a proof, bytes.
const maxKeyFile = 64 << 10

// provedRequest reads a wish that the subscriber has signed with the certificate's key.
func (p *program) provedRequest(ctx context.Context, d *app.Desk, file string) (order.RevocationRequest, error) {
	data, err := p.readFileOrInput(file, maxKeyFile)
	if err != nil {
		return order.RevocationRequest{}, err
	}
	proof, err := ca.ReadProof(data)
	if err != nil {
		return order.RevocationRequest{}, err
	}
	c, err := d.Records.CertificateBySerial(ctx, proof.Wish.Issuer, proof.Wish.Serial)
	if err != nil {
		return order.RevocationRequest{}, err
	}
	return order.RevocationRequest{Origin: order.RevocationByProof, Reason: proof.Wish.Reason, Issuer: c.Issuer, Serial: c.Serial}, proof.Verify(c.DER)
}

func parseReason(name string) (order.RevocationReason, error) {
	r, ok := order.ParseRevocationReason(name)
	if !ok {
		return 0, wrongUsage("--reason は次のいずれかです: "+reasonNames(), "--reason is one of: "+reasonNames())
	}
	return r, nil
}

// findCertificate finds a certificate by its order's number or its serial number as people type it.
func (p *program) findCertificate(ctx context.Context, d *app.Desk, arg string, sequence int) (order.Certificate, error) {
	var found []order.Certificate
	number, err := orderNumber(arg)
	if err == nil {
		found, err = d.Records.Certificates(ctx, number)
	} else {
		found, err = d.Records.CertificatesWithSerial(ctx, serialNumber(arg))
	}
	if err != nil {
		return order.Certificate{}, err
	}
	found = slices.DeleteFunc(found, func(c order.Certificate) bool { return sequence > 0 && c.Sequence != sequence })
	if len(found) == 0 {
		return order.Certificate{}, fault.New(fault.NotFound, "certificate.unknown", "該当する証明書がありません。", "There is no such certificate.")
	}
	return found[len(found)-1], nil
}

// serialNumber reads a serial number in hex, with blanks or colons between its digits as programs show it.
func serialNumber(s string) string {
	return strings.TrimLeft(strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(s)), "0")
}

// awaitList waits until the revocation is on a list, or long enough.
func (p *program) awaitList(ctx context.Context, d *app.Desk, rev order.Revocation, wait time.Duration) order.Revocation {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for rev.PublishedAt.IsZero() && len(rev.Certificates) > 0 {
		select {
		case <-ctx.Done():
			return rev // it is published without us
		case <-tick.C:
		}
		if now, err := d.Records.Revocation(ctx, rev.ID); err == nil {
			rev = now
		}
	}
	return rev
}

func (p *program) revocationOutcome(rev order.Revocation) error {
	if p.json {
		return p.printJSON(rev)
	}
	if rev.Undecided() {
		p.out.Println(p.out.Yellow(p.say("判断待ちとして記録しました", "recorded; waits for a decision")), p.say("期限", "due")+":", p.at(rev.DueAt))
	}
	for _, c := range rev.Certificates {
		if !c.RevokedAt.IsZero() {
			p.out.Println(p.out.Green(p.say("失効しました", "revoked"))+":", c.Serial, p.say("オーダー", "order"), c.Order, p.at(c.RevokedAt))
		}
	}
	if len(rev.Certificates) == 0 {
		p.out.Println(p.say("この鍵の証明書はありません。鍵は今後受け付けません。", "No certificate has this key. It is refused from now on."))
	}
	switch {
	case rev.Undecided() || len(rev.Certificates) == 0:
	case rev.PublishedAt.IsZero():
		p.out.Println(p.say("CRLはまもなく発行されます。期限", "The CRL will follow. Due")+":", p.at(rev.DueAt))
	default:
		p.out.Println(p.say("CRLに掲載しました", "on the CRL since")+":", p.at(rev.PublishedAt))
	}
	p.out.Println(p.say("申し出の番号", "request")+":", rev.ID)
	return nil
}
