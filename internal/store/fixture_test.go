package store_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/hex"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/store"
	"securemailid.example/internal/store/storetest"
	"securemailid.example/internal/voucher"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	staff     = "staff/ops"
	applicant = "applicant"
	secret16  = "4242424242424242" // stands for a voucher code: it must be found nowhere in the database
	policyRow = "guide-2026-11"
)

// record is a store with a clock of its own and its database open for looking behind it.
type record struct {
	*store.Store
	t   testing.TB
	dsn string
	db  *sql.DB

	mu  sync.Mutex
	now time.Time
}

func newRecord(t testing.TB) *record {
	t.Helper()
	r := &record{t: t, now: noon, dsn: storetest.DSN(t)}
	s, err := store.New(store.Config{DSN: r.dsn, Now: r.clock})
	require.NoError(t, err)
	r.Store = s
	r.db, err = sql.Open("postgres", r.dsn)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.db.Close())
		require.NoError(t, s.Disconnect())
	})
	return r
}

// later moves the clock on and returns the new time: no two events of a test happen at one instant.
func (r *record) later(d time.Duration) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
	return r.now
}

func (r *record) clock() time.Time { return r.later(0) }
func (r *record) tick() time.Time  { return r.later(time.Second) }

func (r *record) ctx() context.Context { return r.t.Context() }

// exec changes the database behind the store's back.
func (r *record) exec(statement string, args ...any) {
	r.t.Helper()
	_, err := r.db.ExecContext(r.ctx(), statement, args...)
	require.NoError(r.t, err)
}

// one reads a single value.
func one[T any](r *record, query string, args ...any) (v T) {
	r.t.Helper()
	require.NoError(r.t, r.db.QueryRowContext(r.ctx(), query, args...).Scan(&v))
	return v
}

// auditLines is the number of audit lines in all.
func (r *record) auditLines() int { return one[int](r, `SELECT count(*) FROM audit`) }

// unchanged asserts that do writes no audit line, as a repeat must not.
func (r *record) unchanged(do func()) {
	r.t.Helper()
	before := r.auditLines()
	do()
	require.Equal(r.t, before, r.auditLines(), "a repeat wrote an audit line")
}

func isFault(t require.TestingT, err error, kind fault.Kind, code string) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	require.Error(t, err)
	f := fault.Public(err)
	require.Equal(t, string(kind)+" "+code, string(f.Kind)+" "+f.Code, "%v", err)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// vouchers issues n one-year vouchers and returns their hashes.
func (r *record) vouchers(n int) [][]byte {
	r.t.Helper()
	b := voucher.Batch{ID: uuid.NewString(), Reseller: "Sample Reseller", Kind: voucher.Coupon, ValidityYears: 1, Count: n,
		ExpiresAt: noon.AddDate(1, 0, 0), CreatedAt: noon, CreatedBy: staff}
	vs := newVouchers(n)
	require.NoError(r.t, r.CreateBatch(r.ctx(), b, vs, staff))
	hashes := make([][]byte, n)
	for i, v := range vs {
		hashes[i] = v.Hash
	}
	return hashes
}

func newVouchers(n int) []voucher.Voucher {
	out := make([]voucher.Voucher, n)
	for i := range out {
		out[i] = voucher.Voucher{ID: uuid.NewString(), Hash: random(32), Masked: "••••4242"}
	}
	return out
}

func application() order.Application {
	return order.Application{
		Language: order.Japanese, Voucher: secret16, Type: order.New, ValidityYears: 1, CSR: "csr", CertificateEmail: "info@example.co.jp",
		DCVMethod: order.DCVTXT, TermsAccepted: true,
		Organization: order.Organization{NameJA: "サンプル商事株式会社", Name: "Sample Trading K.K.", Unit: "Sales", State: "Tokyo", City: "Chiyoda-ku",
			Street: "1-1", PostalCode: "100-0001", Telephone: "+81300000000"},
		Representative:   order.Representative{Department: "総務部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin", Email: "rep@example.co.jp"},
		TechnicalContact: order.TechnicalContact{Company: "Sample Trading K.K.", Department: "IT", FamilyName: "Gijutsu", GivenName: "Tanto", Telephone: "+81300000000", Email: "tech@example.co.jp"},
	}
}

func submission(hash []byte) order.Submission {
	return order.Submission{Key: uuid.NewString(), Application: application(), VoucherHash: hash}
}

func letter(number string, kind order.LetterKind, key string, at time.Time) order.Letter {
	return order.Letter{ID: uuid.NewString(), Order: number, Kind: kind, Key: key, Recipient: "tech@example.co.jp", Language: order.Japanese,
		Facts: order.Facts{Number: number, Link: "https://portal.example.jp/secret-link"}, CreatedAt: at}
}

func acceptance(number string, sub order.Submission, at time.Time) order.Acceptance {
	sub.Number = number
	return order.Acceptance{Submission: sub, Domain: "example.co.jp", At: at, DeadlineAt: at.AddDate(0, 0, 90), Policy: policyRow, EndedOfContact: 1000,
		Letters: []order.Letter{letter(number, order.LetterReceipt, "", at)}}
}

// accepted returns the number of a fresh order in state accepted.
func (r *record) accepted() string {
	r.t.Helper()
	sub := submission(r.vouchers(1)[0])
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(r.t, err)
	require.NoError(r.t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())))
	return number
}

func challenge(number string, sequence int, method order.DCVMethod, at time.Time) dcv.Challenge {
	return dcv.Challenge{ID: uuid.NewString(), Order: number, Sequence: sequence, Method: method, Domain: "example.co.jp", Token: "_token",
		Target: "dcv.example.com", OpenedAt: at, ExpiresAt: at.AddDate(0, 0, 30)}
}

// challenged opens the order's first challenge.
func (r *record) challenged(number string, method order.DCVMethod) dcv.Challenge {
	r.t.Helper()
	at := r.tick()
	c, err := r.OpenChallenge(r.ctx(), challenge(number, 1, method, at), []order.Letter{letter(number, order.LetterChallenge, "1", at)}, "system")
	require.NoError(r.t, err)
	return c
}

func evidence(c dcv.Challenge, at time.Time) dcv.Evidence {
	return dcv.Evidence{ID: uuid.NewString(), Order: c.Order, Challenge: c.ID, Domain: c.Domain, Method: c.Method, PolicyVersion: policyRow,
		Finding: dcv.Finding{Found: true, Code: "match", Observations: []dcv.Observation{{At: at, From: "192.0.2.53", Asked: "TXT example.co.jp", Answer: []string{"_token"}}}},
		Actor:   "system", At: at}
}

// validated proves domain control of the order.
func (r *record) validated(number string) dcv.Challenge {
	r.t.Helper()
	c := r.challenged(number, order.DCVTXT)
	require.NoError(r.t, r.RecordDomainEvidence(r.ctx(), evidence(c, r.tick())))
	return c
}

func by() order.Actor { return order.Actor{Actor: staff} }

var phoneSteps = []order.Command{
	order.PhoneNumberVerified{Actor: by(), Number: "+81300000000", Source: order.SourceGovernment, Reference: "register entry"},
	order.RepresentativeReached{Actor: by(), How: order.ReachedByTransfer},
	order.RepresentativeConfirmed{Actor: by()},
}

// phoned records the three phone steps.
func (r *record) phoned(number string) {
	r.t.Helper()
	for _, c := range phoneSteps {
		rec, err := r.RecordCommand(r.ctx(), number, c, r.tick(), nil)
		require.NoError(r.t, err)
		require.True(r.t, rec.Applied)
	}
}

// issuer saves an issuing CA.
func (r *record) issuer() order.IssuingCA {
	r.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: uuid.NewString()}, NotBefore: noon, NotAfter: noon.AddDate(8, 0, 0)}
	key := ed25519.NewKeyFromSeed(random(ed25519.SeedSize))
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	require.NoError(r.t, err)
	id := sha256.Sum256(der)
	ca := order.IssuingCA{ID: hex.EncodeToString(id[:8]), DER: der, Chain: [][]byte{random(10), random(11)}}
	require.NoError(r.t, r.SaveIssuingCA(r.ctx(), ca))
	return ca
}

func toBeSigned(number string, sequence int, issuer string) order.ToBeSigned {
	t := order.ToBeSigned{Order: number, Sequence: sequence, Serial: "1" + hex.EncodeToString(random(8)), Issuer: issuer,
		NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0), Seal: random(32)}
	return withKey(t, seedOf(t))
}

// withKey makes t a request for the key that grows from the seed.
func withKey(t order.ToBeSigned, seed [32]byte) order.ToBeSigned {
	der, err := certified(t, seed)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	t.DER = cert.RawTBSCertificate
	return t
}

func seedOf(t order.ToBeSigned) [32]byte { return sha256.Sum256([]byte(t.Serial)) }

var permitted = dcv.CAADecision{Permitted: true, Code: "no-restriction"}

// reservedOrder returns an order in state issuing with its reservation.
func (r *record) reservedOrder() order.ToBeSigned {
	r.t.Helper()
	number := r.accepted()
	r.validated(number)
	r.phoned(number)
	tbs, err := r.Reserve(r.ctx(), toBeSigned(number, 1, r.issuer().ID), permitted, r.tick())
	require.NoError(r.t, err)
	return tbs
}

// sign makes a certificate with a key of its own that is the same for the same bytes, as RSA PKCS #1 v1.5 makes it.
func sign(t order.ToBeSigned) ([]byte, error) { return certified(t, seedOf(t)) }

// certified makes a certificate for the key that grows from the seed.
func certified(t order.ToBeSigned, seed [32]byte) ([]byte, error) {
	serial, _ := new(big.Int).SetString(t.Serial, 16)
	issuer := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: serial, NotBefore: t.NotBefore, NotAfter: t.NotAfter}
	return x509.CreateCertificate(nil, template, template, ed25519.NewKeyFromSeed(seed[:]).Public(), issuer)
}

// notices are the two letters of an issue, one with a link.
func notices(at time.Time) func(order.Certificate) []order.Letter {
	return func(c order.Certificate) []order.Letter {
		link := order.Link{ID: uuid.NewString(), Hash: random(32), Order: c.Order, Purpose: order.LinkDownload, Recipient: "tech@example.co.jp", ExpiresAt: at.AddDate(0, 1, 0)}
		linked := letter(c.Order, order.LetterIssuedContact, "", at)
		linked.Links = []order.Link{link}
		return []order.Letter{letter(c.Order, order.LetterIssuedCertificate, "", at), linked}
	}
}

// issued returns the certificate of a fresh order in state issued.
func (r *record) issued() order.Certificate {
	r.t.Helper()
	tbs := r.reservedOrder()
	at := r.tick()
	c, err := r.Issue(r.ctx(), tbs.Order, 1, at, sign, notices(at))
	require.NoError(r.t, err)
	return c
}

func (r *record) state(number string) order.State {
	r.t.Helper()
	st, err := r.Order(r.ctx(), number)
	require.NoError(r.t, err)
	return st.State
}

// inState returns an order brought to the state by the store's own means.
func (r *record) inState(s order.State) string {
	r.t.Helper()
	switch s {
	case order.DomainValidation:
		number := r.accepted()
		r.challenged(number, order.DCVTXT)
		return number
	case order.OrganizationValidation:
		number := r.accepted()
		r.validated(number)
		return number
	case order.Issuing:
		return r.reservedOrder().Order
	case order.Issued:
		return r.issued().Order
	case order.Rejected, order.Cancelled, order.Expired:
		number := r.accepted()
		require.NoError(r.t, r.Close(r.ctx(), number, s, staff, "reason", r.tick(), nil))
		return number
	case order.Review:
		return r.inReview(requestFor(r.issued()))
	default:
		return r.accepted()
	}
}
