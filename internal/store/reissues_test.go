package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// tokyo is where the day of an expiry is meant.
var tokyo = time.FixedZone("JST", 9*60*60)

func dayOf(t time.Time) time.Time {
	y, m, d := t.In(tokyo).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, tokyo)
}

// requestFor asks for the reissue of a certificate by its serial number.
func requestFor(c order.Certificate) order.NormalizedReissue {
	app := application()
	return order.NormalizedReissue{
		Request: order.ReissueRequest{
			Language: order.English, Original: c.Serial, ExpiresOn: dayOf(c.NotAfter).Format(time.DateOnly), Reason: order.KeyLost, CSR: "new csr",
			Representative: app.Representative, TechnicalContact: app.TechnicalContact, TermsAccepted: true,
		},
		Original: order.CertificateName{Serial: c.Serial}, ExpiresOn: dayOf(c.NotAfter), AfterCompromise: true,
		CSR: csr.Request{PublicKey: []byte("new key")},
	}
}

func byAddress(n order.NormalizedReissue, address string) order.NormalizedReissue {
	n.Request.Original, n.Original = address, order.CertificateName{Address: address}
	return n
}

func (r *record) reserveReissue(n order.NormalizedReissue) (string, error) {
	number, _, err := r.ReserveNumber(r.ctx(), order.Submission{Key: uuid.NewString(), Request: &n})
	return number, err
}

func (r *record) acceptReissue(number string) error {
	sub, err := r.Submission(r.ctx(), number)
	if err != nil {
		return err
	}
	a := acceptance(number, sub, r.tick())
	a.AfterCompromise = true
	return r.Accept(r.ctx(), a)
}

// inReview returns the number of a reissue that waits for its review.
func (r *record) inReview(n order.NormalizedReissue) string {
	r.t.Helper()
	number, err := r.reserveReissue(n)
	require.NoError(r.t, err)
	require.NoError(r.t, r.acceptReissue(number))
	return number
}

// issuedUntil is a certificate of the fixture's address that ends then.
func (r *record) issuedUntil(end time.Time) order.Certificate {
	r.t.Helper()
	c := r.issued()
	r.exec(`UPDATE certificates SET not_after = $2 WHERE order_number = $1`, c.Order, end)
	c.NotAfter = end
	return c
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	lastSecond := time.Date(2027, 11, 21, 23, 59, 59, 0, tokyo).UTC()
	c := r.issuedUntil(lastSecond)
	next := r.issuedUntil(lastSecond.Add(time.Second))
	day := dayOf(lastSecond)
	for _, row := range []struct {
		say  string
		name order.CertificateName
		day  time.Time
		want []string
	}{
		{"by order number", order.CertificateName{Order: c.Order}, day, []string{c.Order}},
		{"by serial number", order.CertificateName{Serial: c.Serial}, day, []string{c.Order}},
		{"by address, whatever its case", order.CertificateName{Address: "INFO@example.co.jp"}, day, []string{c.Order}},
		{"the next second is the next day in Japan", order.CertificateName{Address: "info@example.co.jp"}, day.AddDate(0, 0, 1), []string{next.Order}},
		{"not on the day before", order.CertificateName{Order: c.Order}, day.AddDate(0, 0, -1), nil},
		{"not by another address", order.CertificateName{Address: "sales@example.co.jp"}, day, nil},
		{"not without a name", order.CertificateName{}, day, nil},
	} {
		found, err := r.Identify(r.ctx(), row.name, row.day, row.day.AddDate(0, 0, 1))
		require.NoError(t, err, row.say)
		var numbers []string
		for _, o := range found {
			numbers = append(numbers, o.Order)
		}
		require.Equal(t, row.want, numbers, row.say)
	}
	found, err := r.Identify(r.ctx(), order.CertificateName{Order: c.Order}, day, day.AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Equal(t, c.DER, found[0].DER)
	require.Equal(t, application().Subject(), found[0].Certified)
	require.Equal(t, "example.co.jp", found[0].Domain)
	require.Equal(t, order.DCVTXT, found[0].Method)
}

// Whoever guesses learns one bit at most: the two answers are the same.
func TestNobodyLearnsWhetherNameOrDayWasWrong(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	good := requestFor(r.issued())
	wrongDay, wrongName := good, good
	wrongDay.ExpiresOn = good.ExpiresOn.AddDate(0, 0, 1)
	wrongName.Original = order.CertificateName{Serial: "4b"}
	_, err := r.reserveReissue(wrongDay)
	isFault(t, err, fault.NotFound, "reissue.unknown")
	_, other := r.reserveReissue(wrongName)
	require.Equal(t, fault.Public(err), fault.Public(other))
	var paths []string
	for _, f := range fault.Public(err).Fields {
		paths = append(paths, f.Path)
	}
	require.Equal(t, []string{"original", "expires_on"}, paths, "both fields are named")
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM submissions`), "nothing is stored but the original's order")
}

func TestAReissueIsAnOrderOfItsOwnWithoutAVoucher(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	_, err := r.command(c.Order, order.SubjectCorrected{Actor: by(), City: "Minato-ku"})
	require.Error(t, err, "it has been issued")
	n := requestFor(c)
	sub := order.Submission{Key: "k", Request: &n}
	number, accepted, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	require.False(t, accepted)
	require.NotEqual(t, c.Order, number)

	got, err := r.Submission(r.ctx(), number)
	require.NoError(t, err)
	require.Nil(t, got.VoucherHash)
	require.Equal(t, order.ReissueFacts{Asked: c.Serial, Reason: order.KeyLost, Original: order.CertificateRef{Order: c.Order, Sequence: 1},
		Candidates: []order.CertificateRef{{Order: c.Order, Sequence: 1}}, ExpiresAt: c.NotAfter}, *got.Reissue)
	require.Equal(t, order.Reissue, got.Application.Type)
	require.Equal(t, "new csr", got.Application.CSR)
	require.Equal(t, application().Organization, got.Application.Organization)

	require.NoError(t, r.acceptReissue(number))
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, order.Review, st.State)
	require.Equal(t, "review", st.Awaited[0].Code)
	require.Equal(t, application().Subject(), st.Subject)
	require.Equal(t, c.Serial, st.Reissue.Original.Serial)
	require.Equal(t, "order-accepted", st.Timeline[0].Action)
	require.Contains(t, st.Timeline[0].Detail, "original="+c.Order+"/1")
	r.unchanged(func() { require.NoError(t, r.acceptReissue(number)) })

	again, accepted, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err, "a repeat is the same order, and looks for no original again")
	require.True(t, accepted)
	require.Equal(t, number, again)
	n.Request.Reason = order.NewDevice
	_, _, err = r.ReserveNumber(r.ctx(), order.Submission{Key: "k", Request: &n})
	isFault(t, err, fault.Conflict, "submission.key-reused")
}

func TestTheCorrectedSubjectIsReissued(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	_, err := r.command(number, order.SubjectCorrected{Actor: by(), City: "Minato-ku", Reason: "register"})
	require.NoError(t, err)
	r.validated(number)
	r.phoned(number)
	tbs, err := r.Reserve(r.ctx(), toBeSigned(number, 1, r.issuer().ID), permitted, r.tick())
	require.NoError(t, err)
	c, err := r.Issue(r.ctx(), number, 1, r.tick(), sign, notices(noon))
	require.NoError(t, err)
	require.Equal(t, tbs.Serial, c.Serial)
	st, err := r.Order(r.ctx(), r.inReview(requestFor(c)))
	require.NoError(t, err)
	require.Equal(t, "Minato-ku", st.Subject.City)
	require.Equal(t, "Minato-ku", st.Application.Organization.City)
}

func TestWhatCannotBeReissued(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		say, change, code string
		why               order.ReissueReason
		refuse            bool
	}{
		{"an expired certificate", `UPDATE certificates SET not_before = '2026-01-01', not_after = '2026-11-22T12:00:00Z'`, "reissue.expired", order.KeyLost, true},
		{"a revoked one", `UPDATE certificates SET revoked_at = now(), revocation_reason = 4`, "reissue.revoked", order.KeyLost, true},
		{"one revoked for compromise, for another reason", `UPDATE certificates SET revoked_at = now(), revocation_reason = 1`, "reissue.revoked", order.NewDevice, true},
		{"one revoked for compromise, for that reason", `UPDATE certificates SET revoked_at = now(), revocation_reason = 1`, "", order.KeyCompromise, false},
	} {
		t.Run(row.say, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			c := r.issued()
			r.exec(`UPDATE certificates SET der = $1`, realCertificate(t, newKey(t)))
			n := requestFor(c)
			n.Request.Reason = row.why
			first, err := r.reserveReissue(n)
			require.NoError(t, err)
			r.exec(row.change)
			c.NotAfter = one[time.Time](r, `SELECT not_after FROM certificates`)
			n.ExpiresOn = dayOf(c.NotAfter)
			_, asked := r.reserveReissue(n)
			accepted := r.acceptReissue(first)
			if !row.refuse {
				require.NoError(t, asked)
				require.NoError(t, accepted)
				return
			}
			isFault(t, asked, fault.Conflict, row.code)
			isFault(t, accepted, fault.Conflict, row.code)
			_, err = r.Order(r.ctx(), first)
			isFault(t, err, fault.NotFound, "order.unknown")
		})
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func realCertificate(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return der
}

func TestACompromisedKeyIsNotCertifiedAgain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	key := newKey(t)
	r.exec(`UPDATE certificates SET der = $1`, realCertificate(t, key))
	n := requestFor(c)
	var err error
	n.CSR.PublicKey, err = x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	n.Request.Reason = order.KeyCompromise
	_, err = r.reserveReissue(n)
	isFault(t, err, fault.Invalid, "invalid-fields")
	require.Equal(t, "csr csr.same-key", fault.Public(err).Fields[0].Path+" "+fault.Public(err).Fields[0].Code)
	n.Request.Reason = order.NewDevice
	_, err = r.reserveReissue(n)
	require.NoError(t, err, "the same key in another device is no risk")
}

func TestOneReissueOfACertificateAtATime(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	late, err := r.reserveReissue(requestFor(c))
	require.NoError(t, err)
	first := r.inReview(requestFor(c))
	_, err = r.reserveReissue(requestFor(c))
	isFault(t, err, fault.Conflict, "reissue.under-way")
	isFault(t, r.acceptReissue(late), fault.Conflict, "reissue.under-way")
	require.NoError(t, r.Close(r.ctx(), first, order.Cancelled, applicant, "no longer needed", r.tick(), nil))
	require.NoError(t, r.acceptReissue(late), "the first has ended")
}

func TestTwentyRequestsOfOneCertificateAtOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	numbers := make([]string, 20)
	for i := range numbers {
		var err error
		numbers[i], err = r.reserveReissue(requestFor(c))
		require.NoError(t, err)
	}
	accepted := 0
	for _, err := range race(numbers, r.acceptReissue) {
		if err == nil {
			accepted++
			continue
		}
		isFault(t, err, fault.Conflict, "reissue.under-way")
	}
	require.Equal(t, 1, accepted)
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM orders WHERE type = 'reissue'`))
}

func TestOneReissueAcceptedTwentyTimesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number, err := r.reserveReissue(requestFor(r.issued()))
	require.NoError(t, err)
	for _, err := range race(make([]struct{}, 20), func(struct{}) error { return r.acceptReissue(number) }) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM audit WHERE order_number = $1`, number))
}

func TestOneRequestTwentyTimesAtOnceIsOneNumber(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	n := requestFor(r.issued())
	for _, err := range race(make([]struct{}, 20), func(struct{}) error {
		_, _, err := r.ReserveNumber(r.ctx(), order.Submission{Key: "k", Request: &n})
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM submissions WHERE reissue`))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM reissues`))
}

// approve is the review's decision by staff.
func (r *record) approve(number, original string) (order.Recorded, error) {
	yes := true
	return r.RecordCommand(r.ctx(), number, order.ReviewDecided{Actor: by(), Approved: &yes, Original: original}, r.tick(), nil)
}

func TestAnApprovalOpensTheDomainStage(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	number := r.inReview(requestFor(c))
	_, err := r.OpenChallenge(r.ctx(), challenge(number, 1, order.DCVTXT, r.tick()), nil, "system")
	isFault(t, err, fault.Conflict, "order.state")
	at, yes := r.tick(), true
	cmd := order.ReviewDecided{Actor: by(), Approved: &yes}
	want := order.Recorded{Applied: true, Reissue: &order.Reviewed{Original: order.CertificateRef{Order: c.Order, Sequence: 1}, Method: order.DCVTXT}}
	rec, err := r.RecordCommand(r.ctx(), number, cmd, at, nil)
	require.NoError(t, err)
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	want.Reissue.DeadlineAt = st.DeadlineAt
	require.Equal(t, want, rec)
	require.Equal(t, order.DomainValidation, r.state(number))
	r.unchanged(func() {
		rec, err := r.RecordCommand(r.ctx(), number, cmd, at, nil)
		require.NoError(t, err)
		require.Equal(t, want, rec, "the same call is answered as the first time")
	})
	_, err = r.approve(number, "")
	isFault(t, err, fault.Conflict, "order.state")
	_, err = r.approve(r.accepted(), "")
	isFault(t, err, fault.Conflict, "order.state")
}

func TestARefusalLeavesTheOrderToBeClosed(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.inReview(requestFor(r.issued()))
	no := false
	applied, err := r.command(number, order.ReviewDecided{Actor: by(), Approved: &no, Reason: "the caller did not know the order"})
	require.NoError(t, err)
	require.True(t, applied)
	require.Equal(t, order.Review, r.state(number))
	require.NoError(t, r.Close(r.ctx(), number, order.Rejected, staff, "the caller did not know the order", r.tick(), nil))
	_, err = r.approve(number, "")
	isFault(t, err, fault.Conflict, "order.state")
}

func TestStaffChooseAmongSeveral(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	end := time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC)
	a, b := r.issuedUntil(end), r.issuedUntil(end.Add(time.Hour))
	other := r.issuedUntil(end.AddDate(0, 0, 1))
	r.exec(`UPDATE orders SET domain = 'b.example.co.jp', dcv_method = 'file', subject = jsonb_set(subject, '{city}', '"Minato-ku"') WHERE number = $1`, b.Order)
	number := r.inReview(byAddress(requestFor(a), "info@example.co.jp"))
	sub, err := r.Submission(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, order.CertificateRef{}, sub.Reissue.Original)
	require.Len(t, sub.Reissue.Candidates, 2)
	require.Equal(t, b.NotAfter, sub.Reissue.ExpiresAt, "while there is a choice, the last end")
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Nil(t, st.Reissue.Original)
	require.Equal(t, []string{a.Serial, b.Serial}, []string{st.Reissue.Candidates[0].Serial, st.Reissue.Candidates[1].Serial})
	_, _, err = r.Original(r.ctx(), number)
	isFault(t, err, fault.Conflict, "reissue.undecided")
	for _, held := range []order.Certificate{a, b} {
		_, err = r.reserveReissue(requestFor(held))
		isFault(t, err, fault.Conflict, "reissue.under-way")
	}
	for _, wrong := range []string{"", other.Serial, "4b4b"} {
		_, err = r.approve(number, wrong)
		isFault(t, err, fault.Invalid, "invalid-fields")
	}
	rec, err := r.approve(number, strings.ToUpper(b.Serial))
	require.NoError(t, err)
	st, err = r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, order.Reviewed{Original: order.CertificateRef{Order: b.Order, Sequence: 1}, Method: order.DCVFile, DeadlineAt: st.DeadlineAt}, *rec.Reissue)
	require.Equal(t, "b.example.co.jp", st.Domain, "the order follows the choice")
	require.Equal(t, "Minato-ku", st.Subject.City)
	require.Equal(t, "new csr", st.Application.CSR)
	require.Equal(t, order.English, st.Application.Language)
	original, facts, err := r.Original(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, b.Serial, original.Serial)
	require.Equal(t, b.NotAfter, facts.ExpiresAt)
	_, err = r.reserveReissue(requestFor(a))
	require.NoError(t, err, "the one that was not chosen is free again")
}

// issueReissue carries an approved reissue to its certificate.
func (r *record) issueReissue(number string, end time.Time) (order.Certificate, error) {
	r.validated(number)
	r.phoned(number)
	tbs := toBeSigned(number, 1, r.issuer().ID)
	tbs.NotAfter = end
	if _, err := r.Reserve(r.ctx(), tbs, permitted, r.tick()); err != nil {
		return order.Certificate{}, err
	}
	return r.Issue(r.ctx(), number, 1, r.tick(), sign, notices(noon))
}

func TestAReissueEndsWithItsOriginal(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	number := r.inReview(requestFor(c))
	_, err := r.approve(number, "")
	require.NoError(t, err)
	_, err = r.issueReissue(number, c.NotAfter.Add(-time.Second))
	isFault(t, err, fault.Conflict, "reissue.end")
	tbs := toBeSigned(number, 1, r.issuer().ID)
	tbs.NotAfter = c.NotAfter
	_, err = r.Reserve(r.ctx(), tbs, permitted, r.tick())
	require.NoError(t, err)
	again, err := r.Issue(r.ctx(), number, 1, r.tick(), sign, notices(noon))
	require.NoError(t, err)
	require.Equal(t, c.NotAfter, again.NotAfter)
	found, err := r.Identify(r.ctx(), order.CertificateName{Address: "info@example.co.jp"}, dayOf(c.NotAfter), dayOf(c.NotAfter).AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Len(t, found, 2, "a reissue can be reissued like its original")
}

func TestAReissueIsNeverCorrected(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.inReview(requestFor(r.issued()))
	_, err := r.command(number, order.SubjectCorrected{Actor: by(), City: "Minato-ku", Reason: "register"})
	isFault(t, err, fault.Conflict, "reissue.subject")
}

func TestAForgottenRequestLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	_, err := r.reserveReissue(requestFor(r.issued()))
	require.NoError(t, err)
	n, err := r.ForgetSubmissions(r.ctx(), r.later(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for _, table := range []string{"reissues", "reissue_candidates"} {
		require.Zero(t, one[int](r, fmt.Sprintf(`SELECT count(*) FROM %s`, table)))
	}
}

// Only a reissue goes without a voucher, whatever writes to the database.
func TestOnlyAReissueGoesWithoutAVoucher(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	_, err := r.db.ExecContext(r.ctx(), `UPDATE orders SET voucher_hash = NULL WHERE number = $1`, number)
	require.ErrorContains(t, err, "orders_voucher")
	_, err = r.db.ExecContext(r.ctx(), `UPDATE submissions SET voucher_hash = NULL WHERE number = $1`, number)
	require.ErrorContains(t, err, "submissions_voucher")
}
