package store_test

import (
	"crypto/sha256"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func TestReserve(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.validated(number)
	r.phoned(number)
	ca := r.issuer()
	tbs := toBeSigned(number, 1, ca.ID)
	got, err := r.Reserve(r.ctx(), tbs, permitted, r.tick())
	require.NoError(t, err)
	require.Equal(t, tbs, got)
	require.Equal(t, order.Issuing, r.state(number))
	require.Equal(t, "no-restriction", one[string](r, `SELECT caa->>'code' FROM reservations`), "the CAA decision is kept")

	r.unchanged(func() {
		got, err := r.Reserve(r.ctx(), toBeSigned(number, 1, ca.ID), permitted, r.tick())
		require.NoError(t, err)
		require.Equal(t, tbs, got, "the first reservation wins for ever")
	})
	reserved, err := r.Reserved(r.ctx(), number, 1)
	require.NoError(t, err)
	require.Equal(t, tbs, reserved)
	_, err = r.Reserved(r.ctx(), number, 2)
	isFault(t, err, fault.NotFound, "certificate.not-reserved")

	t.Run("a serial is used once", func(t *testing.T) {
		other := r.accepted()
		r.validated(other)
		r.phoned(other)
		clash := toBeSigned(other, 1, ca.ID)
		clash.Serial = tbs.Serial
		_, err := r.Reserve(r.ctx(), clash, permitted, r.tick())
		isFault(t, err, fault.Conflict, "certificate.serial-used")
		require.Equal(t, order.OrganizationValidation, r.state(other))
		_, err = r.Reserve(r.ctx(), toBeSigned(other, 1, "0123456789abcdef"), permitted, r.tick())
		isFault(t, err, fault.NotFound, "issuer.unknown")
	})
}

func TestNothingIsReservedBeforeValidationIsComplete(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	ca := r.issuer()
	reserve := func(number string) error {
		_, err := r.Reserve(r.ctx(), toBeSigned(number, 1, ca.ID), permitted, r.tick())
		return err
	}
	for _, s := range []order.State{order.Accepted, order.Review, order.DomainValidation, order.Rejected, order.Cancelled, order.Expired} {
		number := r.inState(s)
		if !s.Final() {
			r.phoned(number)
		}
		isFault(t, reserve(number), fault.Conflict, "order.state")
	}
	isFault(t, reserve("1000000000"), fault.NotFound, "order.unknown")

	for missing := range phoneSteps {
		number := r.inState(order.OrganizationValidation)
		for i, step := range phoneSteps {
			if i != missing {
				_, err := r.command(number, step)
				require.NoError(t, err)
			}
		}
		isFault(t, reserve(number), fault.Conflict, "order.not-validated")
	}

	number := r.inState(order.OrganizationValidation)
	r.phoned(number)
	_, err := r.command(number, order.InquiryOpened{Actor: by(), Question: "q"})
	require.NoError(t, err)
	isFault(t, reserve(number), fault.Conflict, "inquiry.open")
	_, err = r.command(number, order.InquiryAnswered{Actor: by(), Answer: "a"})
	require.NoError(t, err)
	require.NoError(t, reserve(number))
}

func TestIssue(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	tbs := r.reservedOrder()
	at := r.tick()
	cert, err := r.Issue(r.ctx(), tbs.Order, 1, at, sign, notices(at))
	require.NoError(t, err)
	der, _ := sign(tbs)
	require.Equal(t, order.Certificate{Order: tbs.Order, Sequence: 1, Serial: tbs.Serial, Issuer: tbs.Issuer, DER: der,
		NotBefore: tbs.NotBefore, NotAfter: tbs.NotAfter, IssuedAt: at}, cert)
	require.Equal(t, order.Issued, r.state(tbs.Order))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM links WHERE purpose = 'download'`))

	r.unchanged(func() {
		again, err := r.Issue(r.ctx(), tbs.Order, 1, r.tick(), mustNotSign(t), notices(at))
		require.NoError(t, err)
		require.Equal(t, cert, again)
	})
	certs, err := r.Certificates(r.ctx(), tbs.Order)
	require.NoError(t, err)
	require.Equal(t, []order.Certificate{cert}, certs)
	found, err := r.CertificateBySerial(r.ctx(), tbs.Issuer, tbs.Serial)
	require.NoError(t, err)
	require.Equal(t, cert, found)
	_, err = r.CertificateBySerial(r.ctx(), tbs.Issuer, "1")
	isFault(t, err, fault.NotFound, "certificate.unknown")
	none, err := r.Certificates(r.ctx(), r.accepted())
	require.NoError(t, err)
	require.Empty(t, none)

	r.revoked(cert, order.ReasonSuperseded)
	r.unchanged(func() {
		again, err := r.Issue(r.ctx(), tbs.Order, 1, r.tick(), mustNotSign(t), notices(at))
		require.NoError(t, err)
		require.Equal(t, r.certificate(cert), again, "a repeat tells what has become of it")
	})
}

func mustNotSign(t *testing.T) func(order.ToBeSigned) ([]byte, error) {
	t.Helper()
	return func(order.ToBeSigned) ([]byte, error) {
		t.Error("the key was used again")
		return nil, errors.New("not again")
	}
}

func TestFailedSignatureLeavesTheReservation(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	tbs := r.reservedOrder()
	broken := errors.New("the HSM is away")
	r.unchanged(func() {
		_, err := r.Issue(r.ctx(), tbs.Order, 1, r.tick(), func(order.ToBeSigned) ([]byte, error) { return nil, broken }, notices(noon))
		require.ErrorIs(t, err, broken)
	})
	require.Equal(t, order.Issuing, r.state(tbs.Order))
	require.Equal(t, 0, one[int](r, `SELECT count(*) FROM certificates`))
	at := r.tick()
	_, err := r.Issue(r.ctx(), tbs.Order, 1, at, func(got order.ToBeSigned) ([]byte, error) {
		require.Equal(t, tbs, got, "the same bytes again")
		return sign(got)
	}, notices(at))
	require.NoError(t, err)
}

func TestIssueWithoutReservationOrAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.inState(order.OrganizationValidation)
	_, err := r.Issue(r.ctx(), number, 1, noon, mustNotSign(t), notices(noon))
	isFault(t, err, fault.NotFound, "certificate.not-reserved")
	_, err = r.Issue(r.ctx(), "1000000000", 1, noon, mustNotSign(t), notices(noon))
	isFault(t, err, fault.NotFound, "order.unknown")

	tbs := r.reservedOrder()
	require.NoError(t, r.Close(r.ctx(), tbs.Order, order.Rejected, staff, "", r.tick(), nil))
	_, err = r.Issue(r.ctx(), tbs.Order, 1, r.tick(), mustNotSign(t), notices(noon))
	isFault(t, err, fault.Conflict, "order.state")

	// One order is one certificate: a second reservation of the same order is not signed after the first.
	tbs = r.reservedOrder()
	_, err = r.Reserve(r.ctx(), toBeSigned(tbs.Order, 2, tbs.Issuer), permitted, r.tick())
	require.NoError(t, err)
	at := r.tick()
	_, err = r.Issue(r.ctx(), tbs.Order, 1, at, sign, notices(at))
	require.NoError(t, err)
	_, err = r.Issue(r.ctx(), tbs.Order, 2, r.tick(), mustNotSign(t), notices(noon))
	isFault(t, err, fault.Conflict, "order.state")
}

func TestTwentyAttemptsIssueOneCertificate(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	tbs := r.reservedOrder()
	var signed atomic.Int32
	at := r.tick()
	for _, err := range race(make([]struct{}, 20), func(struct{}) error {
		_, err := r.Issue(r.ctx(), tbs.Order, 1, at, func(t order.ToBeSigned) ([]byte, error) {
			signed.Add(1)
			return sign(t)
		}, notices(at))
		return err
	}) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, signed.Load(), "under the lock the key is used once")
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM certificates`))
	require.Equal(t, 2, one[int](r, `SELECT count(*) FROM letters WHERE kind LIKE 'issued-%'`))
}

func TestIssuingCAs(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.issuer()
	r.later(1)
	r.unchanged(func() { require.NoError(t, r.SaveIssuingCA(r.ctx(), first)) })
	got, err := r.IssuingCA(r.ctx(), first.ID)
	require.NoError(t, err)
	require.Equal(t, first, got)
	other := first
	other.DER = random(40)
	isFault(t, r.SaveIssuingCA(r.ctx(), other), fault.Conflict, "issuer.other")
	r.tick()
	second := r.issuer()
	all, err := r.IssuingCAs(r.ctx())
	require.NoError(t, err)
	require.Equal(t, []order.IssuingCA{second, first}, all)
	_, err = r.IssuingCA(r.ctx(), "none")
	isFault(t, err, fault.NotFound, "issuer.unknown")
}

func TestAnIssuerSignsListsUntilItsLastCertificateEnds(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	standing := func(id string) order.IssuerStanding {
		all, err := r.IssuerStandings(r.ctx())
		require.NoError(t, err)
		i := slices.IndexFunc(all, func(s order.IssuerStanding) bool { return s.CA.ID == id })
		require.GreaterOrEqual(t, i, 0)
		return all[i]
	}
	ca := r.issuer()
	require.Zero(t, standing(ca.ID).LastExpiry, "it has certified nothing")
	require.Zero(t, standing(ca.ID).List.Number)
	r.issuedBy(ca.ID, sha256.Sum256([]byte("a")))
	reserved := r.reservedFor(ca.ID, sha256.Sum256([]byte("b")))
	require.Equal(t, reserved.NotAfter, standing(ca.ID).LastExpiry, "what is about to be signed counts")
	first, second := r.publish(ca.ID, r.tick()), r.publish(ca.ID, r.tick())
	got := standing(ca.ID)
	require.Greater(t, second.Number, first.Number)
	require.Equal(t, second.Number, got.List.Number)
	require.Equal(t, second.At, got.List.ThisUpdate)
	require.Equal(t, ca, got.CA)
	require.True(t, got.NotBefore.Before(got.NotAfter))
}

func TestCRLNumbersOnlyGrow(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	ca := r.issuer()
	_, err := r.CRL(r.ctx(), ca.ID)
	isFault(t, err, fault.NotFound, "crl.unknown")
	next := func() int64 {
		t.Helper()
		d, err := r.DraftCRL(r.ctx(), ca.ID, "", noon)
		require.NoError(t, err)
		return d.Number
	}
	list := func(n int64) order.CRL {
		return order.CRL{Issuer: ca.ID, Number: n, DER: random(20), ThisUpdate: noon, NextUpdate: noon.AddDate(0, 0, 7)}
	}
	older, newer := list(next()), list(next())
	require.Less(t, older.Number, newer.Number)
	require.NoError(t, r.PublishCRL(r.ctx(), newer))
	r.unchanged(func() { require.NoError(t, r.PublishCRL(r.ctx(), newer), "a repeat") })
	isFault(t, r.PublishCRL(r.ctx(), older), fault.Conflict, "crl.older")
	isFault(t, r.PublishCRL(r.ctx(), list(newer.Number)), fault.Conflict, "crl.older")
	got, err := r.CRL(r.ctx(), ca.ID)
	require.NoError(t, err)
	require.Equal(t, newer, got)

	ahead := list(100) // such as the list of a restored CA
	require.NoError(t, r.PublishCRL(r.ctx(), ahead))
	require.EqualValues(t, 101, next())

	stranger := list(1)
	stranger.Issuer = "none"
	isFault(t, r.PublishCRL(r.ctx(), stranger), fault.NotFound, "issuer.unknown")
	_, err = r.DraftCRL(r.ctx(), "none", "", noon)
	isFault(t, err, fault.NotFound, "issuer.unknown")
}
