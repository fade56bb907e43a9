package e2e_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// reissueForm asks for the reissue of a certificate with a key of its own.
func (w *world) reissueForm(st order.Status, named string) order.ReissueRequest {
	w.t.Helper()
	_, csr := request(w.t, "anybody@example.com")
	return order.ReissueRequest{
		Language: order.Japanese, Original: named, Reason: order.NewDevice, CSR: csr,
		ExpiresOn:      st.Certificates[0].NotAfter.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly),
		Representative: st.Application.Representative, TechnicalContact: st.Application.TechnicalContact, TermsAccepted: true,
	}
}

// askAgain hands in a request, which must be taken, and returns the number of the order that waits for its review.
func (w *world) askAgain(r order.ReissueRequest) string {
	w.t.Helper()
	receipt, err := w.desk.Reissue(w.ctx, r, "")
	require.NoError(w.t, err)
	w.awaitState(receipt.Number, order.Review)
	return receipt.Number
}

// notReissued hands in a request that must be refused.
func (w *world) notReissued(r order.ReissueRequest) *fault.Error {
	w.t.Helper()
	_, err := w.desk.Reissue(w.ctx, r, "")
	require.Error(w.t, err)
	return fault.Public(err)
}

func decided(approved bool, reason, original string) order.ReviewDecided {
	return order.ReviewDecided{Actor: staff, Approved: &approved, Reason: reason, Original: original}
}

// proveAnew asks for validation information instead of waiting for the representative's answer about earlier validations (G16).
func (w *world) proveAnew(number string) {
	w.t.Helper()
	w.command(number, order.ChallengeResent{Actor: applicant})
	w.challenged(number)
	w.prove(number)
	w.awaitState(number, order.OrganizationValidation)
}

// carryOn takes an approved reissue to its certificate. Once the representative has confirmed it by phone, the domain that its original
// proved is known.
func (w *world) carryOn(number string) order.Certificate {
	w.t.Helper()
	w.phone(number)
	st := w.awaitState(number, order.Issued)
	w.closed(number)
	certs, err := w.desk.Records.Certificates(w.ctx, number)
	require.NoError(w.t, err)
	require.Len(w.t, certs, 1)
	require.Equal(w.t, 1, done(st, "certificate-issued"))
	require.Equal(w.t, 1, done(st, "review-decided"))
	require.Zero(w.t, w.vouchersUsed(number))
	return certs[0]
}

// colons is a serial number as programs show it.
func colons(serial string) string {
	pairs := make([]string, 0, len(serial)/2)
	for ; len(serial) > 1; serial = serial[2:] {
		pairs = append(pairs, strings.ToUpper(serial[:2]))
	}
	return strings.Join(pairs, ":")
}

// A certificate is reissued three times, named in each of the ways that the form takes: it always says the same and ends at the same
// second (G25), and OpenSSL verifies it.
func TestACertificateIsReissuedWithItsNameAndItsEnd(t *testing.T) {
	t.Parallel()
	o := openssl{t: t, path: need.Program(t, "openssl", "openssl"), dir: t.TempDir()}
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	first := w.challenged(w.submit(form))
	original := w.complete(first)
	st := w.status(first)
	was, err := x509.ParseCertificate(original.DER)
	require.NoError(t, err)
	issuer, err := w.desk.Records.IssuingCA(w.ctx, original.Issuer)
	require.NoError(t, err)

	wrong := w.reissueForm(st, first)
	wrong.ExpiresOn = st.Certificates[0].NotAfter.AddDate(0, 0, 2).Format(time.DateOnly)
	require.Equal(t, "reissue.unknown", w.notReissued(wrong).Code)

	serials := map[string]bool{original.Serial: true}
	for _, way := range []struct {
		how, named string
		choice     string // of staff, where several fit
		fit        int
		proves     bool // its domain anew
	}{
		{"by order number", first, "", 1, true},
		{"by serial number", colons(original.Serial), "", 1, false},
		{"by address, which fits the two reissues as well", strings.ToUpper(form.CertificateEmail), original.Serial, 3, false},
	} {
		request := w.reissueForm(st, way.named)
		number := w.askAgain(request)
		w.listed(number, `OrderState = 'review' AND WaitingOn = 'review' AND NeedsStaff = true`)
		require.Contains(t, w.mail(form.CertificateEmail, "再発行が申請されました（オーダー番号 "+number).Text, "お心当たりがない場合", "the holder is told")
		require.Equal(t, "reissue.under-way", w.notReissued(w.reissueForm(st, first)).Code, "one at a time")
		again, err := w.desk.Reissue(w.ctx, request, "")
		require.NoError(t, err)
		require.Equal(t, order.Receipt{Number: number, Repeated: true}, again, "the same request is the same order")
		require.Len(t, w.status(number).Reissue.Candidates, way.fit, way.how)
		require.Equal(t, "order.in-review", w.refused(number, order.ChallengeResent{Actor: applicant}).Code)
		if way.fit > 1 {
			require.Equal(t, "invalid-fields", w.refused(number, decided(true, "", "")).Code, "staff must choose")
		}
		w.command(number, decided(true, "", way.choice))
		require.Equal(t, "reissue.subject", w.refused(number, order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "moved"}).Code)
		if way.proves {
			w.proveAnew(number)
		}
		c := w.carryOn(number)
		leaf, err := x509.ParseCertificate(c.DER)
		require.NoError(t, err)
		require.Equal(t, was.RawSubject, leaf.RawSubject, way.how)
		require.True(t, was.NotAfter.Equal(leaf.NotAfter), way.how)
		require.Equal(t, was.EmailAddresses, leaf.EmailAddresses)
		require.NotEqual(t, was.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo)
		require.False(t, serials[c.Serial], "a serial number of its own")
		serials[c.Serial] = true
		o.writeChain(append([][]byte{c.DER, issuer.DER}, issuer.Chain...))
		o.run("verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem")
		w.historyKeepsTo(number, w.secretsOf(number, form))
		require.LessOrEqual(t, len(w.history(number)), mostEvents+40)
	}
	w.mails(form.TechnicalContact.Email, "再発行のお申し込みを受け付けました", 3)
	w.mails(form.CertificateEmail, "発行のお知らせ", 4)
}

// Who knows only the name of the organisation is shown nothing of its certificates; staff choose, the holder hears of it, and the order goes on.
func TestStaffChooseTheCertificateOfAnOrganization(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	form.Organization.NameJA = "見本商会" + strings.Split(form.CertificateEmail, "@")[1] + "株式会社"
	first := w.challenged(w.submit(form))
	original := w.complete(first)
	request := w.reissueForm(w.status(first), form.Organization.NameJA)
	request.TechnicalContact.Email = "another@example.com"
	number := w.askAgain(request)
	st := w.status(number)
	require.Empty(t, st.CertificateEmail+st.Domain)
	require.Nil(t, st.Reissue.Original)
	require.NotContains(t, w.mail("another@example.com", "再発行のお申し込みを受け付けました（オーダー番号 "+number).Text, form.CertificateEmail)
	require.Contains(t, w.mail(form.TechnicalContact.Email, "再発行が申請されました（オーダー番号 "+number).Text, original.Serial)
	w.command(number, decided(true, "", original.Serial))
	require.Equal(t, form.CertificateEmail, w.status(number).CertificateEmail)
	w.proveAnew(number)
	leaf, err := x509.ParseCertificate(w.carryOn(number).DER)
	require.NoError(t, err)
	was, err := x509.ParseCertificate(original.DER)
	require.NoError(t, err)
	require.Equal(t, was.RawSubject, leaf.RawSubject)
	require.Equal(t, was.NotAfter, leaf.NotAfter)
}

func TestAReissueThatStaffRefuseTellsWhy(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	first := w.order(order.DCVTXT)
	w.complete(first)
	number := w.askAgain(w.reissueForm(w.status(first), first))
	w.command(number, decided(false, "申請責任者に申請の覚えがありません。", ""))
	st := w.endedWithout(number, order.Rejected, "申請の覚えがありません")
	require.Contains(t, w.mail(st.Application.TechnicalContact.Email, "お受けできませんでした").Text, "申請の覚えがありません")
	w.askAgain(w.reissueForm(w.status(first), first)) // the certificate is free again
}

// Whoever says that the key is compromised does not get it certified again; with another key the certificate is reissued, and the
// original is on the list before the new one is there.
func TestACompromisedCertificateIsRevokedAndReissuedWithAnotherKey(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	_, form.CSR = request(t, form.CertificateEmail)
	first := w.challenged(w.submit(form))
	c := w.complete(first)
	r := w.reissueForm(w.status(first), colons(c.Serial))
	r.Reason, r.CSR = order.KeyCompromise, form.CSR
	f := w.notReissued(r)
	require.Equal(t, "csr.same-key", f.Fields[0].Code)

	_, r.CSR = request(t, form.CertificateEmail)
	number := w.askAgain(r)
	require.Empty(t, w.status(first).Revocations, "nothing is revoked before the review")
	w.command(number, decided(true, "", ""))
	st := w.await(first, "the revocation", func(s order.Status) bool { return len(s.Revocations) == 1 && !s.Revocations[0].PublishedAt.IsZero() })
	rev := st.Revocations[0]
	require.Equal(t, order.ReasonKeyCompromise, rev.Reason)
	require.Equal(t, staff.Actor, rev.Actor)
	require.WithinDuration(t, rev.RequestedAt.Add(24*time.Hour), rev.DueAt, time.Second, "SBR 4.9.1.1")
	w.mail(form.CertificateEmail, "失効")
	again := w.carryOn(number)
	require.Equal(t, c.NotAfter, again.NotAfter)
	r = w.reissueForm(w.status(first), colons(c.Serial))
	require.Equal(t, "reissue.revoked", w.notReissued(r).Code, "for another reason a revoked certificate is not reissued")
}
