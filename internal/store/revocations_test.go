package store_test

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func (r *record) revocationOf(c order.Certificate, reason order.RevocationReason) order.RevocationRequest {
	at := r.tick()
	return order.RevocationRequest{ID: uuid.NewString(), Origin: order.RevocationByStaff, Actor: staff, Reason: reason, Issuer: c.Issuer, Serial: c.Serial,
		At: at, DueAt: at.AddDate(0, 0, 1)}
}

// revoked revokes the certificate and returns the request.
func (r *record) revoked(c order.Certificate, reason order.RevocationReason) order.Revocation {
	r.t.Helper()
	out, err := r.RequestRevocation(r.ctx(), r.revocationOf(c, reason))
	require.NoError(r.t, err)
	return out
}

// certificate is what the record says of it now.
func (r *record) certificate(c order.Certificate) order.Certificate {
	r.t.Helper()
	got, err := r.CertificateBySerial(r.ctx(), c.Issuer, c.Serial)
	require.NoError(r.t, err)
	return got
}

// reservedFor returns a reservation for the key that grows from the seed.
func (r *record) reservedFor(issuer string, seed [32]byte) order.ToBeSigned {
	r.t.Helper()
	number := r.accepted()
	r.validated(number)
	r.phoned(number)
	t, err := r.Reserve(r.ctx(), withKey(toBeSigned(number, 1, issuer), seed), permitted, r.tick())
	require.NoError(r.t, err)
	return t
}

// issuedBy returns the certificate of a fresh order under the issuer, for the key that grows from the seed.
func (r *record) issuedBy(issuer string, seed [32]byte) order.Certificate {
	r.t.Helper()
	number := r.reservedFor(issuer, seed).Order
	at := r.tick()
	c, err := r.Issue(r.ctx(), number, 1, at, func(t order.ToBeSigned) ([]byte, error) { return certified(t, seed) }, notices(at))
	require.NoError(r.t, err)
	return c
}

func keyOf(t testing.TB, c order.Certificate) []byte {
	t.Helper()
	parsed, err := x509.ParseCertificate(c.DER)
	require.NoError(t, err)
	key := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return key[:]
}

func TestARevocationIsRecordedOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	req := r.revocationOf(c, order.ReasonSuperseded)
	first, err := r.RequestRevocation(r.ctx(), req)
	require.NoError(t, err)
	require.Equal(t, req.At, first.DecidedAt)
	require.Equal(t, []order.RevocationOfOne{{Order: c.Order, Sequence: 1, Issuer: c.Issuer, Serial: c.Serial, RevokedAt: req.At, RevokedBy: req.ID, Named: true}}, first.Certificates)
	got := r.certificate(c)
	require.Equal(t, req.At, got.RevokedAt)
	require.Equal(t, order.ReasonSuperseded, got.Reason)
	r.unchanged(func() {
		again, err := r.RequestRevocation(r.ctx(), req)
		require.NoError(t, err)
		require.Equal(t, first, again, "the same request")
		other := r.revocationOf(c, order.ReasonCessationOfOperation)
		again, err = r.RequestRevocation(r.ctx(), other)
		require.NoError(t, err)
		require.Equal(t, first, again, "another request for what is revoked already")
		other.ID, other.Undecided = uuid.NewString(), true
		again, err = r.RequestRevocation(r.ctx(), other)
		require.NoError(t, err)
		require.Equal(t, first, again, "a report of what is revoked already")
	})
	st, err := r.Order(r.ctx(), c.Order)
	require.NoError(t, err)
	require.Equal(t, []order.Revocation{first}, st.Revocations)
	require.Equal(t, "superseded", st.Certificates[0].Reason)
	require.Equal(t, req.At, st.Certificates[0].RevokedAt)

	stranger := r.revocationOf(order.Certificate{Issuer: c.Issuer, Serial: "abc"}, order.ReasonSuperseded)
	_, err = r.RequestRevocation(r.ctx(), stranger)
	isFault(t, err, fault.NotFound, "certificate.unknown")
	late := r.revocationOf(r.issued(), order.ReasonSuperseded)
	late.At = noon.AddDate(1, 0, 0)
	_, err = r.RequestRevocation(r.ctx(), late)
	isFault(t, err, fault.Conflict, "certificate.expired")
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

func TestNothingTakesARevocationBack(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.revoked(r.issued(), order.ReasonSuperseded)
	for _, statement := range []string{
		`UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL`,
		`UPDATE certificates SET revoked_at = revoked_at + interval '1 day'`,
		`UPDATE certificates SET revocation_reason = 5`,
	} {
		_, err := r.db.ExecContext(r.ctx(), statement)
		require.ErrorContains(t, err, "cannot be taken back", statement)
	}
	r.exec(`UPDATE certificates SET revocation_reason = 1`)
}

func TestTwentyRevocationsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	requests := make([]order.RevocationRequest, 20)
	for i := range requests {
		requests[i] = r.revocationOf(c, order.SubscriberReasons()[i%5])
	}
	for _, err := range race(requests, func(req order.RevocationRequest) error {
		_, err := r.RequestRevocation(r.ctx(), req)
		return err
	}) {
		require.NoError(t, err)
	}
	lines := one[int](r, `SELECT count(*) FROM audit WHERE action = 'certificate-revoked'`)
	require.LessOrEqual(t, lines, 2, "once, and perhaps once more for the worse reason")
	require.Equal(t, order.ReasonKeyCompromise, r.certificate(c).Reason, "the worst reason stays")
	require.Equal(t, 1, one[int](r, `SELECT count(DISTINCT revoked_at) FROM certificates`))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM blocked_keys`))
}

func TestACompromisedKeyTakesEveryCertificateWithIt(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer, seed := r.issuer().ID, sha256.Sum256([]byte("shared"))
	first, second, old, other := r.issuedBy(issuer, seed), r.issuedBy(issuer, seed), r.issuedBy(issuer, seed), r.issuedBy(issuer, sha256.Sum256([]byte("other")))
	reserved := r.reservedFor(issuer, seed)
	before := r.revoked(old, order.ReasonSuperseded)
	r.exec(`UPDATE certificates SET key_hash = NULL WHERE serial = $1`, second.Serial) // as issued by the first release
	r.publish(issuer, r.tick())

	got := r.revoked(first, order.ReasonKeyCompromise)
	require.Len(t, got.Certificates, 3)
	for _, c := range []order.Certificate{first, second, old} {
		require.Equal(t, order.ReasonKeyCompromise, r.certificate(c).Reason)
	}
	require.Equal(t, before.DecidedAt, r.certificate(old).RevokedAt, "the first moment stays")
	require.Zero(t, r.certificate(other).RevokedAt)
	d := r.publish(issuer, r.tick())
	require.ElementsMatch(t, []string{first.Serial, second.Serial, old.Serial}, serials(d))

	key := [32]byte(keyOf(t, first))
	blocked, err := r.KeyBlocked(r.ctx(), key)
	require.NoError(t, err)
	require.True(t, blocked)
	blocked, err = r.KeyBlocked(r.ctx(), [32]byte(keyOf(t, other)))
	require.NoError(t, err)
	require.False(t, blocked)

	number := r.accepted()
	r.validated(number)
	r.phoned(number)
	_, err = r.Reserve(r.ctx(), withKey(toBeSigned(number, 1, issuer), seed), permitted, r.tick())
	isFault(t, err, fault.Conflict, "csr.compromised")
	_, err = r.Issue(r.ctx(), reserved.Order, 1, r.tick(), func(order.ToBeSigned) ([]byte, error) {
		t.Error("the CA key was touched for a compromised key")
		return nil, errors.New("must not be called")
	}, notices(noon))
	isFault(t, err, fault.Conflict, "csr.compromised")

	byKey := order.RevocationRequest{ID: uuid.NewString(), Origin: order.RevocationByKey, Actor: staff, Reason: order.ReasonKeyCompromise, Key: key[:], At: r.tick()}
	r.unchanged(func() {
		again, err := r.RequestRevocation(r.ctx(), byKey)
		require.NoError(t, err)
		require.Equal(t, got.ID, again.ID)
	})
	byKey.Key = random(32) // found on the internet; nobody has a certificate for it
	alone, err := r.RequestRevocation(r.ctx(), byKey)
	require.NoError(t, err)
	require.Empty(t, alone.Certificates)
	blocked, err = r.KeyBlocked(r.ctx(), [32]byte(byKey.Key))
	require.NoError(t, err)
	require.True(t, blocked)
}

// Whichever comes first, issuing or the news that the key is compromised, no certificate with that key stays good.
func TestACertificateIssuedWhileItsKeyIsBlockedIsRevokedOrNotIssued(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	for i := range 10 {
		seed := sha256.Sum256([]byte{byte(i)})
		victim := r.issuedBy(issuer, seed)
		tbs := r.reservedFor(issuer, seed)
		at, req := r.tick(), r.revocationOf(victim, order.ReasonKeyCompromise)
		errs := race([]func() error{
			func() error {
				_, err := r.Issue(r.ctx(), tbs.Order, 1, at, func(t order.ToBeSigned) ([]byte, error) { return certified(t, seed) }, notices(at))
				return err
			},
			func() error {
				_, err := r.RequestRevocation(r.ctx(), req)
				return err
			},
		}, func(do func() error) error { return do() })
		require.NoError(t, errs[1])
		if errs[0] != nil {
			isFault(t, errs[0], fault.Conflict, "csr.compromised")
		}
		require.Zero(t, one[int](r, `SELECT count(*) FROM certificates JOIN blocked_keys USING (key_hash) WHERE revoked_at IS NULL`))
	}
}

// Whoever waits for a key sees what the one before it has done with it, although it came before that was done.
func TestAKeyThatIsBlockedWhileItIsWaitedForIsRefused(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	r.revoked(r.issuedBy(issuer, sha256.Sum256([]byte("other"))), order.ReasonSuperseded) // a request to block by
	for name, begin := range map[string]func(seed [32]byte) func() error{
		"reserve": func(seed [32]byte) func() error {
			number := r.accepted()
			r.validated(number)
			r.phoned(number)
			return func() error {
				_, err := r.Reserve(r.ctx(), withKey(toBeSigned(number, 1, issuer), seed), permitted, r.tick())
				return err
			}
		},
		"issue": func(seed [32]byte) func() error {
			tbs := r.reservedFor(issuer, seed)
			return func() error {
				_, err := r.Issue(r.ctx(), tbs.Order, 1, r.tick(), mustNotSign(t), notices(noon))
				return err
			}
		},
	} {
		seed := sha256.Sum256([]byte(name))
		key, attempt := keyOf(t, r.issuedBy(issuer, seed)), begin(seed)
		tx, err := r.db.BeginTx(r.ctx(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(r.ctx(), `SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 0))`, key)
		require.NoError(t, err)
		refused := make(chan error, 1)
		go func() { refused <- attempt() }()
		require.Eventually(t, func() bool {
			return one[int](r, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 1
		}, 10*time.Second, 5*time.Millisecond, name)
		_, err = tx.ExecContext(r.ctx(), `INSERT INTO blocked_keys (key_hash, revocation, at) SELECT $1, id, now() FROM revocations LIMIT 1`, key)
		require.NoError(t, err)
		before := r.auditLines()
		require.NoError(t, tx.Commit())
		isFault(t, <-refused, fault.Conflict, "csr.compromised")
		require.Equal(t, before, r.auditLines(), name)
	}
}

func (r *record) offered(c order.Certificate) order.Link {
	r.t.Helper()
	at := r.tick()
	link := order.Link{ID: uuid.NewString(), Hash: random(32), Order: c.Order, Purpose: order.LinkRevocation, Sequence: c.Sequence,
		Recipient: "tech@example.co.jp", ExpiresAt: at.Add(time.Hour)}
	l := letter(c.Order, order.LetterRevocationLink, link.ID, at)
	l.Links = []order.Link{link}
	ids, err := r.OfferRevocation(r.ctx(), c.Order, c.Sequence, applicant, at, []order.Letter{l}, 0)
	require.NoError(r.t, err)
	require.Equal(r.t, []string{l.ID}, ids)
	return link
}

func (r *record) byMail(c order.Certificate, link order.Link) order.RevocationRequest {
	req := r.revocationOf(c, order.ReasonCessationOfOperation)
	req.Origin, req.Actor, req.Link = order.RevocationByMail, applicant, link.ID
	return req
}

func TestALinkRevokesItsCertificateOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c, other := r.issued(), r.issued()
	replaced, link, foreign := r.offered(c), r.offered(c), r.offered(other)
	got, err := r.Link(r.ctx(), link.Hash)
	require.NoError(t, err)
	require.Equal(t, link, got)
	for code, wrong := range map[string]order.Link{"link.replaced": replaced, "link.unknown": foreign} {
		_, err := r.RequestRevocation(r.ctx(), r.byMail(c, wrong))
		require.ErrorContains(t, err, code)
	}
	late := r.byMail(c, link)
	late.At = link.ExpiresAt
	_, err = r.RequestRevocation(r.ctx(), late)
	isFault(t, err, fault.Conflict, "link.expired")
	require.Zero(t, r.certificate(c).RevokedAt)

	_, err = r.RequestRevocation(r.ctx(), r.byMail(c, link))
	require.NoError(t, err)
	require.NotZero(t, r.certificate(c).RevokedAt)
	got, err = r.Link(r.ctx(), link.Hash)
	require.NoError(t, err)
	require.NotZero(t, got.UsedAt)
	_, err = r.OfferRevocation(r.ctx(), c.Order, 1, applicant, r.tick(), nil, 0)
	isFault(t, err, fault.Conflict, "certificate.revoked")
	_, err = r.OfferRevocation(r.ctx(), c.Order, 2, applicant, r.tick(), nil, 0)
	isFault(t, err, fault.NotFound, "certificate.unknown")
	_, err = r.OfferRevocation(r.ctx(), other.Order, 1, applicant, other.NotAfter, nil, 0)
	isFault(t, err, fault.Conflict, "certificate.expired")
}

func TestRespondersReadOnFromWhereTheyAre(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	st, err := r.CertificateStatus(r.ctx(), c.Issuer, c.Serial)
	require.NoError(t, err)
	require.Equal(t, order.CertificateStatus{Issuer: c.Issuer, Serial: c.Serial}, st)
	_, err = r.CertificateStatus(r.ctx(), c.Issuer, "abc")
	isFault(t, err, fault.NotFound, "certificate.unknown")
	none, start, err := r.StatusChanges(r.ctx(), time.Time{})
	require.NoError(t, err)
	require.Empty(t, none)
	rev := r.revoked(c, order.ReasonKeyCompromise)
	want := order.CertificateStatus{Issuer: c.Issuer, Serial: c.Serial, RevokedAt: rev.DecidedAt, Reason: order.ReasonKeyCompromise}
	changed, next, err := r.StatusChanges(r.ctx(), start)
	require.NoError(t, err)
	require.Equal(t, []order.CertificateStatus{want}, changed)
	require.True(t, next.After(start))
	changed, _, err = r.StatusChanges(r.ctx(), next)
	require.NoError(t, err)
	require.Equal(t, []order.CertificateStatus{want}, changed, "a change that was committed late must not be missed")
	changed, _, err = r.StatusChanges(r.ctx(), next.Add(3*time.Minute))
	require.NoError(t, err)
	require.Empty(t, changed)
	st, err = r.CertificateStatus(r.ctx(), c.Issuer, c.Serial)
	require.NoError(t, err)
	require.Equal(t, want, st)
}

func TestOneKeyHasOneResponderCertificate(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	key, made := random(32), 0
	certify := func() (order.ResponderCertificate, error) {
		made++
		return order.ResponderCertificate{Issuer: issuer, Serial: uuid.NewString(), Key: key, DER: random(30), NotBefore: noon, NotAfter: noon.AddDate(0, 1, 0)}, nil
	}
	_, err := r.Responder(r.ctx(), issuer, key)
	isFault(t, err, fault.NotFound, "ocsp.no-signer")
	var first order.ResponderCertificate
	for range 3 {
		got, err := r.CertifyResponder(r.ctx(), issuer, key, noon, certify)
		require.NoError(t, err)
		if made == 1 {
			first = got
		}
		require.Equal(t, first, got)
	}
	require.Equal(t, 1, made)
	got, err := r.Responder(r.ctx(), issuer, key)
	require.NoError(t, err)
	require.Equal(t, first, got)
	_, err = r.CertifyResponder(r.ctx(), "none", key, noon, certify)
	isFault(t, err, fault.NotFound, "issuer.unknown")

	for range 31 {
		key = random(32)
		_, err := r.CertifyResponder(r.ctx(), issuer, key, noon, certify)
		require.NoError(t, err)
	}
	key = random(32)
	_, err = r.CertifyResponder(r.ctx(), issuer, key, noon, certify)
	isFault(t, err, fault.Conflict, "ocsp.too-many-signers")
	_, err = r.CertifyResponder(r.ctx(), issuer, key, noon.AddDate(0, 1, 0), certify)
	require.NoError(t, err, "those that have expired do not count")
}

func TestCertificatesWithSerial(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	r.issued()
	got, err := r.CertificatesWithSerial(r.ctx(), c.Serial)
	require.NoError(t, err)
	require.Equal(t, []order.Certificate{c}, got)
	got, err = r.CertificatesWithSerial(r.ctx(), "abc")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAMailboxIsNotFloodedWithLinks(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	offer := func() ([]string, error) {
		at := r.tick()
		return r.OfferRevocation(r.ctx(), c.Order, 1, applicant, at, []order.Letter{letter(c.Order, order.LetterRevocationLink, uuid.NewString(), at)}, time.Minute)
	}
	first, err := offer()
	require.NoError(t, err)
	r.unchanged(func() {
		again, err := offer()
		require.NoError(t, err)
		require.Equal(t, first, again, "its delivery may not have been started")
	})
	require.NoError(t, r.LetterDone(r.ctx(), first[0], order.LetterSent, "250", r.tick()))
	_, err = offer()
	isFault(t, err, fault.TooMany, "letter.too-often")
	r.later(time.Minute)
	next, err := offer()
	require.NoError(t, err)
	require.NotEqual(t, first, next)
}
