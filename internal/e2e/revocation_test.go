package e2e_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	xocsp "golang.org/x/crypto/ocsp"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// issuedTo carries an order with a key of its own to its certificate.
func (w *world) issuedTo(form order.Application) (*rsa.PrivateKey, order.Certificate) {
	w.t.Helper()
	key, csr := request(w.t, form.CertificateEmail)
	form.CSR = csr
	return key, w.complete(w.challenged(w.submit(form)))
}

func parsed(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

// list fetches the CRL where the certificate says, once the portal serves the one that the record has: it looks for a newer one every few seconds.
func (w *world) list(leaf *x509.Certificate) (der []byte, list *x509.RevocationList) {
	w.t.Helper()
	address := leaf.CRLDistributionPoints[0]
	recorded, err := w.desk.Records.CRL(w.ctx, strings.TrimSuffix(path.Base(address), ".crl"))
	require.NoError(w.t, err)
	w.until("the published list", func(context.Context) (err error) {
		var status int
		status, der = w.get(address)
		require.Equal(w.t, http.StatusOK, status)
		if list, err = x509.ParseRevocationList(der); err == nil && list.Number.Int64() < recorded.Number {
			err = fmt.Errorf("number %d, not yet %d", list.Number, recorded.Number)
		}
		return err
	})
	return der, list
}

func listed(list *x509.RevocationList, leaf *x509.Certificate) (x509.RevocationListEntry, bool) {
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
			return e, true
		}
	}
	return x509.RevocationListEntry{}, false
}

// published waits until the request is on the lists and told, and its workflow has ended.
func (w *world) published(rev order.Revocation) order.Revocation {
	w.t.Helper()
	var now order.Revocation
	w.until("a published revocation", func(ctx context.Context) (err error) {
		if now, err = w.desk.Records.Revocation(ctx, rev.ID); err == nil && !now.Done() {
			err = fmt.Errorf("%+v", now)
		}
		return err
	})
	var result workflows.RevokeResult
	require.NoError(w.t, w.temporal.GetWorkflow(w.ctx, workflows.RevokeID(rev.ID), "").Get(w.ctx, &result))
	return now
}

// ocsp asks the responder that the certificate names.
func (w *world) ocsp(leaf, issuing *x509.Certificate) (*xocsp.Response, error) {
	w.t.Helper()
	der, err := xocsp.CreateRequest(leaf, issuing, nil)
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, leaf.OCSPServer[0], bytes.NewReader(der))
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/ocsp-request")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		return nil, err
	}
	return xocsp.ParseResponse(body.Bytes(), issuing)
}

// awaitOCSP waits until the responder says so: its signer may just be on its way, and a change is seen within seconds.
func (w *world) awaitOCSP(leaf, issuing *x509.Certificate, status int) *xocsp.Response {
	w.t.Helper()
	var out *xocsp.Response
	w.until("an OCSP answer", func(context.Context) (err error) {
		if out, err = w.ocsp(leaf, issuing); err == nil && out.Status != status {
			err = fmt.Errorf("status %d", out.Status)
		}
		return err
	})
	return out
}

func (w *world) chainOf(c order.Certificate) (issuing, root *x509.Certificate) {
	w.t.Helper()
	ca, err := w.desk.Records.IssuingCA(w.ctx, c.Issuer)
	require.NoError(w.t, err)
	return parsed(w.t, ca.DER), parsed(w.t, ca.Chain[len(ca.Chain)-1])
}

// TestARevocationIsSeenByOpenSSL: good by CRL and OCSP before, revoked by both afterwards, and told to both addresses.
func TestARevocationIsSeenByOpenSSL(t *testing.T) {
	t.Parallel()
	o := openssl{t: t, path: need.Program(t, "openssl", "openssl"), dir: t.TempDir()}
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	_, c := w.issuedTo(form)
	issuing, root := w.chainOf(c)
	leaf := parsed(t, c.DER)
	require.Equal(t, []string{w.PortalURL + "/ocsp"}, leaf.OCSPServer)
	o.writeChain([][]byte{leaf.Raw, issuing.Raw, root.Raw})
	verify := func(name string) error {
		der, _ := w.list(leaf)
		o.write(name, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
		o.run("crl", "-in", name, "-noout", "-CAfile", "issuing.pem")
		return o.try("verify", "-crl_check", "-CRLfile", name, "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem")
	}
	ask := func(args ...string) string {
		return o.output(append([]string{"ocsp", "-issuer", "issuing.pem", "-CAfile", "root.pem", "-verify_other", "issuing.pem", "-url", leaf.OCSPServer[0]}, args...)...)
	}
	w.awaitOCSP(leaf, issuing, xocsp.Good)
	require.NoError(t, verify("before.crl"))
	require.Contains(t, ask("-cert", "leaf.pem"), "leaf.pem: good")
	require.Contains(t, ask("-serial", "0x5eed5eed5eed5eed"), "unauthorized", "what was never issued is never good")

	rev, err := w.desk.Revoke(w.ctx, order.RevocationRequest{
		Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonSuperseded, Issuer: c.Issuer, Serial: c.Serial,
	}, false)
	require.NoError(t, err)
	told := w.published(rev)
	require.Less(t, told.PublishedAt.Sub(told.RequestedAt), patience)
	require.ErrorContains(t, verify("after.crl"), "certificate revoked")
	require.Contains(t, o.output("crl", "-in", "after.crl", "-noout", "-text"), "Superseded")
	require.Equal(t, xocsp.Superseded, w.awaitOCSP(leaf, issuing, xocsp.Revoked).RevocationReason)
	text := ask("-cert", "leaf.pem")
	require.Contains(t, text, "Response verify OK")
	require.Contains(t, text, "leaf.pem: revoked")

	for _, to := range []string{form.CertificateEmail, form.TechnicalContact.Email} {
		require.Contains(t, w.mail(to, "証明書を失効しました").Text, c.Serial)
	}
	st := w.status(c.Order)
	require.Equal(t, 1, done(st, "certificate-revoked"))
	require.Equal(t, "superseded", st.Certificates[0].Reason)
	w.keepsTo(w.historyOf(workflows.RevokeID(rev.ID)), w.secretsOf(c.Order, form))
}

// TestASubscriberRevokesByMail goes from the status page by the mailed link to the revoked certificate.
func TestASubscriberRevokesByMail(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	_, c := w.issuedTo(form)
	b := w.browse()
	page := linkIn(t, w.mail(form.TechnicalContact.Email, "申請完了のご連絡"), "/status/")
	require.Contains(t, b.send(b.open(page), page+"/revoke", nil), "失効のお手続きのリンクをお送りします")
	links := map[string]string{}
	for _, to := range []string{form.CertificateEmail, form.TechnicalContact.Email} {
		links[to] = linkIn(t, w.mail(to, "失効のお手続き"), "/revoke/")
	}
	w.await(c.Order, "mails that are done", func(st order.Status) bool {
		return !slices.ContainsFunc(st.Letters, func(l order.LetterView) bool { return l.State == order.LetterPending })
	})
	require.Contains(t, b.send(b.open(page), page+"/revoke", nil), "少し前にお送りして")
	link := links[form.CertificateEmail]
	require.Contains(t, b.open(link), c.Serial)
	require.Zero(t, w.status(c.Order).Certificates[0].RevokedAt, "opening the page changes nothing")
	token := formToken.FindStringSubmatch(b.open(link))
	status, text, err := b.fetch(w.ctx, b.client, link, url.Values{"form_token": {token[1]}, "reason": {"cessationOfOperation"}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(text), "証明書を失効しました")
	st := w.status(c.Order)
	require.Equal(t, "cessationOfOperation", st.Certificates[0].Reason)
	require.Equal(t, order.RevocationByMail, st.Revocations[0].Origin)
	require.Contains(t, b.open(links[form.TechnicalContact.Email]), "証明書を失効しました", "the other link says what has become of it")
	require.Contains(t, b.open(page), "この証明書は失効しました")
	w.published(st.Revocations[0])
	_, list := w.list(parsed(t, c.DER))
	entry, ok := listed(list, parsed(t, c.DER))
	require.True(t, ok)
	require.Equal(t, int(order.ReasonCessationOfOperation), entry.ReasonCode)
}

// TestACompromisedKeyIsNoLongerGoodForAnything: every certificate with it is revoked, and nobody can apply with it again.
func TestACompromisedKeyIsNoLongerGoodForAnything(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	_, csr := request(t, "shared@example.com")
	var certs []order.Certificate
	for range 2 {
		form := w.application(order.DCVTXT)
		form.CSR = csr
		certs = append(certs, w.complete(w.challenged(w.submit(form))))
	}
	_, other := w.issuedTo(w.application(order.DCVTXT))
	form := w.application(order.DCVTXT)
	form.CSR = csr
	waiting := w.validated(form)

	rev, err := w.desk.Revoke(w.ctx, order.RevocationRequest{
		Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonKeyCompromise, Issuer: certs[0].Issuer, Serial: certs[0].Serial,
	}, false)
	require.NoError(t, err)
	require.Len(t, rev.Certificates, 2)
	w.published(rev)
	_, list := w.list(parsed(t, other.DER))
	for _, c := range certs {
		entry, ok := listed(list, parsed(t, c.DER))
		require.True(t, ok)
		require.Equal(t, int(order.ReasonKeyCompromise), entry.ReasonCode)
	}
	_, ok := listed(list, parsed(t, other.DER))
	require.False(t, ok)

	again := w.application(order.DCVTXT)
	again.CSR = csr
	_, err = w.desk.Submit(w.ctx, again, "")
	require.ErrorContains(t, err, "list of compromised keys")
	w.command(waiting, confirmed)
	w.blocked(waiting, "invalid-fields", 1)
}

// TestTheListIsPublishedBySchedule: a run of the Schedule publishes a list with a higher number once the last one is a day old; by hand at
// any time.
func TestTheListIsPublishedBySchedule(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	_, c := w.issuedTo(w.application(order.DCVTXT))
	leaf := parsed(t, c.DER)
	_, before := w.list(leaf)
	next := func() {
		w.until("the next list", func(context.Context) error {
			_, now := w.list(leaf)
			if now.Number.Cmp(before.Number) <= 0 {
				return errors.New(now.Number.String())
			}
			before = now
			return nil
		})
	}
	run, err := w.temporal.ExecuteWorkflow(w.ctx, client.StartWorkflowOptions{TaskQueue: workflows.TaskQueue}, workflows.PublishCRLsType, workflows.PublishCRLsInput{All: true})
	require.NoError(t, err)
	require.NoError(t, run.Get(w.ctx, nil))
	next()
	_, err = w.sql.ExecContext(w.ctx, `UPDATE crls SET this_update = this_update - interval '1 day'`)
	require.NoError(t, err)
	w.trigger("publish-crl")
	next()
	for _, id := range []string{"publish-crl", "take-up-revocations"} {
		d, err := w.temporal.ScheduleClient().GetHandle(w.ctx, id).Describe(w.ctx)
		require.NoError(t, err)
		require.False(t, d.Schedule.State.Paused)
	}
}

// TestOtherClientsTakeTheList: NSS, as Thunderbird has it, and gpgsm, which fetches the list itself.
func TestOtherClientsTakeTheList(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	key, c := w.issuedTo(w.application(order.DCVTXT))
	issuing, root := w.chainOf(c)
	leaf := parsed(t, c.DER)
	clients := map[string]func() string{"NSS": w.nss(leaf, issuing, root), "gpgsm": w.gpgsm(key, leaf, issuing, root)}
	for name, look := range clients {
		before := look()
		t.Logf("%s: %s", name, before)
		require.True(t, strings.HasSuffix(before, "\n<nil>\n"), "%s: %s", name, before)
	}
	rev, err := w.desk.Revoke(w.ctx, order.RevocationRequest{
		Origin: order.RevocationByStaff, Actor: staff.Actor, Reason: order.ReasonCessationOfOperation, Issuer: c.Issuer, Serial: c.Serial,
	}, false)
	require.NoError(t, err)
	w.published(rev)
	w.list(leaf) // gpgsm fetches it only once
	for name, look := range clients {
		require.Contains(t, strings.ToLower(look()), "revoked", name)
	}
}
