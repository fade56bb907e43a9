package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

const day = 24 * time.Hour

func reuseRules() order.ReuseRules {
	return order.ReuseRules{
		Profile: policyRow, Version: policyRow, Domain: 398 * day, Organization: 825 * day, Methods: order.DCVMethods,
		PhoneSources: []order.PhoneSource{order.SourceGovernment, order.SourceDirectory},
	}
}

// apply returns an accepted order for the application as the test changes it.
func (r *record) apply(change func(*order.Application)) string {
	r.t.Helper()
	sub := submission(r.vouchers(1)[0])
	if change != nil {
		change(&sub.Application)
	}
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(r.t, err)
	require.NoError(r.t, r.Accept(r.ctx(), acceptance(number, sub, r.tick())))
	return number
}

// phoneValidated takes the three steps as the activity does.
func (r *record) phoneValidated(number string) *order.Reused {
	r.t.Helper()
	r.phoned(number)
	reused, err := r.PhoneValidated(r.ctx(), number, staff, reuseRules(), r.tick())
	require.NoError(r.t, err)
	return reused
}

// certify takes an order that is validated to its certificate.
func (r *record) certify(number string) order.Certificate {
	r.t.Helper()
	_, err := r.Reserve(r.ctx(), toBeSigned(number, 1, r.issuer().ID), permitted, r.tick())
	require.NoError(r.t, err)
	at := r.tick()
	c, err := r.Issue(r.ctx(), number, 1, at, sign, notices(at))
	require.NoError(r.t, err)
	return c
}

// proven is an issued order with evidence of everything.
func (r *record) proven(change func(*order.Application)) string {
	r.t.Helper()
	number := r.apply(change)
	r.validated(number)
	r.phoneValidated(number)
	r.certify(number)
	return number
}

// age makes all evidence older.
func (r *record) age(by time.Duration) {
	r.t.Helper()
	r.exec(`UPDATE domain_evidence SET at = at - $1::interval`, by.String())
	r.exec(`UPDATE organization_evidence SET at = at - $1::interval`, by.String())
}

func (r *record) reusable(number string) order.Reusable {
	r.t.Helper()
	found, err := r.ReusableFor(r.ctx(), number, reuseRules(), r.clock())
	require.NoError(r.t, err)
	return found
}

// represented asks the representative and returns the link. Whom they were asked about before was yesterday: they are asked once a day.
func (r *record) represented(number string) order.Link {
	r.t.Helper()
	r.exec(`UPDATE letters SET created_at = created_at - interval '1 day' WHERE kind = 'reuse-confirmation'`)
	at := r.tick()
	link := order.Link{ID: uuid.NewString(), Hash: random(32), Order: number, Purpose: order.LinkReuse, Recipient: "rep@example.co.jp", ExpiresAt: at.Add(30 * day)}
	l := letter(number, order.LetterReuse, "", at)
	l.Links = []order.Link{link}
	f := order.ReuseOffer{Order: number, Reusable: r.reusable(number), AskedAt: at, Until: at.Add(3 * day), Letter: l}
	reused, err := r.OfferReuse(r.ctx(), f, reuseRules())
	require.NoError(r.t, err)
	require.Equal(r.t, f.Until, reused.AskedUntil)
	return link
}

func (r *record) answer(number string, link order.Link, confirmed bool) (order.Reused, error) {
	return r.DecideReuse(r.ctx(), order.ReuseAnswer{Order: number, Link: link.ID, Confirmed: confirmed, Actor: "representative", At: r.tick()}, reuseRules())
}

func awaitedCodes(st order.Status) (codes []string) {
	for _, a := range st.Awaited {
		codes = append(codes, a.Code)
	}
	return codes
}

func TestAConfirmedOrderReusesEverything(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	number := r.apply(func(a *order.Application) { a.Type = order.Renewal })
	found := r.reusable(number)
	require.Equal(t, first, found.Organization.Order)
	require.Equal(t, first, found.Domain.Order)
	require.Equal(t, "rep@example.co.jp", found.Representative.Email)
	verified := one[time.Time](r, `SELECT number_verified_at FROM orders WHERE number = $1`, first)
	require.True(t, verified.Equal(found.Organization.At), "the age of the organisation's validation is that of its oldest step")

	link := r.represented(number)
	st := r.status(number)
	require.Equal(t, []string{"reuse-confirmation"}, awaitedCodes(st), "nobody else is bothered meanwhile")
	require.Len(t, st.Reuse.Offered, 2)
	r.unchanged(func() {
		again, err := r.OfferReuse(r.ctx(), order.ReuseOffer{Order: number, Reusable: found, AskedAt: r.tick(), Until: r.tick()}, reuseRules())
		require.NoError(t, err)
		require.Equal(t, st.Reuse.Until, again.AskedUntil, "the first offer stands")
	})

	reused, err := r.answer(number, link, true)
	require.NoError(t, err)
	require.Equal(t, order.Reused{State: order.OrganizationValidation, AskedUntil: st.Reuse.Until, Organization: first, Domain: first}, reused)
	r.unchanged(func() {
		again, err := r.answer(number, link, true)
		require.NoError(t, err)
		require.Equal(t, reused, again)
	})
	_, err = r.answer(number, link, false)
	isFault(t, err, fault.Conflict, "link.used")

	st = r.status(number)
	require.Equal(t, []string{"issuance"}, awaitedCodes(st))
	require.Equal(t, first, st.Reuse.Live(order.DomainEvidence).Order)
	require.Equal(t, order.ReuseByConfirmation, st.Reuse.Live(order.OrganizationEvidence).Basis)
	require.False(t, st.Phone.Done(), "nobody was phoned")
	r.certify(number)
	require.Equal(t, first, r.reusable(r.apply(nil)).Organization.Order, "what was reused keeps its own age: it is found where it was gathered")
}

func TestWhatIsNotReused(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		then               func(r *record, first string)
		change             func(*order.Application)
		rules              func(*order.ReuseRules)
		organization, both bool // what is still found
	}{
		"the same application": {both: true},
		"names are compared without case, width and blanks": {both: true, change: func(a *order.Application) {
			a.Organization.Name, a.Organization.NameJA, a.Representative.Email = "SAMPLE  Trading K.K.", "サンプル 商事株式会社", "Rep@example.co.jp"
			a.Representative.FamilyName = "ＳＨＩＮＳＥＩ"
		}},
		"another department of the organisation":                          {both: true, change: func(a *order.Application) { a.Organization.Unit = "Test" }},
		"another address of the representative":                           {change: func(a *order.Application) { a.Representative.Email = "rep@example.com" }},
		"another representative at the same address":                      {change: func(a *order.Application) { a.Representative.GivenName = "Dairi" }},
		"another organisation":                                            {change: func(a *order.Application) { a.Organization.NameJA = "見本商事株式会社" }},
		"the organisation under another English name":                     {change: func(a *order.Application) { a.Organization.Name = "Sample Trading Inc." }},
		"an organisation with another number":                             {change: func(a *order.Application) { a.Organization.Identifier = "4011001098993" }},
		"another domain":                                                  {organization: true, change: func(a *order.Application) { a.CertificateEmail = "info@example.com" }},
		"the organisation at another place: the certificate would say so": {change: func(a *order.Application) { a.Organization.City = "Minato-ku" }},
		"a day before the domain's evidence is too old":                   {both: true, then: func(r *record, _ string) { r.age(397 * day) }},
		"the domain's evidence is too old":                                {organization: true, then: func(r *record, _ string) { r.age(398 * day) }},
		"the organisation's is too":                                       {then: func(r *record, _ string) { r.age(825 * day) }},
		"the method is forbidden by now":                                  {organization: true, rules: func(p *order.ReuseRules) { p.Methods = []order.DCVMethod{order.DCVFile} }},
		"so is the source of the telephone number":                        {rules: func(p *order.ReuseRules) { p.PhoneSources = nil }},
		"gathered under another profile":                                  {rules: func(p *order.ReuseRules) { p.Profile = "public-trust" }},
		"the certificate was revoked, the key lost": {both: true, then: func(r *record, n string) {
			r.exec(`UPDATE certificates SET revoked_at = now(), revocation_reason = 1 WHERE order_number = $1`, n)
		}},
		"it was revoked since the privilege was withdrawn": {then: func(r *record, n string) {
			r.exec(`UPDATE certificates SET revoked_at = now(), revocation_reason = 9 WHERE order_number = $1`, n)
		}},
		"the evidence was invalidated": {organization: true, then: func(r *record, n string) {
			r.exec(`UPDATE domain_evidence SET invalidated_at = now(), invalidated_why = 'distrusted' WHERE order_number = $1`, n)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			first := r.proven(nil)
			if row.then != nil {
				row.then(r, first)
			}
			var number string
			if row.change != nil {
				number = r.otherDomain(row.change)
			} else {
				number = r.apply(nil)
			}
			rules := reuseRules()
			if row.rules != nil {
				row.rules(&rules)
			}
			found, err := r.ReusableFor(r.ctx(), number, rules, r.clock())
			require.NoError(t, err)
			require.Equal(t, row.both || row.organization, found.Organization != nil, "organisation")
			if what != "the organisation at another place: the certificate would say so" && what != "so is the source of the telephone number" {
				require.Equal(t, row.both, found.Domain != nil, "domain")
			}
		})
	}
}

// otherDomain is apply with the domain that follows from the address.
func (r *record) otherDomain(change func(*order.Application)) string {
	r.t.Helper()
	sub := submission(r.vouchers(1)[0])
	change(&sub.Application)
	number, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(r.t, err)
	a := acceptance(number, sub, r.tick())
	if sub.Application.CertificateEmail == "info@example.com" {
		a.Domain = "example.com"
	}
	require.NoError(r.t, r.Accept(r.ctx(), a))
	return number
}

func TestOnlyOrdersWithACertificateServeOthers(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	open := r.apply(nil)
	r.validated(open)
	r.phoneValidated(open)
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM organization_evidence`), "the steps are kept")
	number := r.apply(nil)
	require.Equal(t, order.Reusable{}, r.reusable(number), "but their order may still be rejected")
	_, err := r.Reserve(r.ctx(), toBeSigned(open, 1, r.issuer().ID), permitted, r.tick())
	require.NoError(t, err)
	require.Equal(t, order.Reusable{}, r.reusable(number), "nothing is issued yet")
}

func TestADenialReusesNothing(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.proven(nil)
	number := r.apply(nil)
	link := r.represented(number)
	reused, err := r.answer(number, link, false)
	require.NoError(t, err)
	require.Equal(t, order.Accepted, reused.State)
	require.Empty(t, reused.Organization+reused.Domain)
	st := r.status(number)
	require.True(t, st.Reuse.Denied)
	require.False(t, st.Reuse.AnsweredAt.IsZero())
	require.Contains(t, awaitedCodes(st), "phone-number")
	require.Equal(t, "reuse-denied", st.Timeline[len(st.Timeline)-1].Action)
}

func TestALinkAnswersForItsOwnOrderAndInTime(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.proven(nil)
	number, other := r.apply(nil), r.apply(nil)
	link := r.represented(number)
	r.represented(other)
	_, err := r.answer(other, link, true)
	isFault(t, err, fault.NotFound, "link.unknown")
	_, err = r.answer(number, order.Link{ID: uuid.NewString()}, true)
	isFault(t, err, fault.NotFound, "link.unknown")
	c, approvals := r.asked(r.accepted(), 1)
	_, err = r.answer(c.Order, approvals[0], true)
	isFault(t, err, fault.NotFound, "link.unknown")
	r.later(30 * day)
	_, err = r.answer(number, link, true)
	isFault(t, err, fault.Conflict, "link.expired")
	require.Equal(t, order.Accepted, r.state(number))

	closed := r.apply(nil)
	link = r.represented(closed)
	require.NoError(t, r.Close(r.ctx(), closed, order.Cancelled, applicant, "reason", r.tick(), nil))
	_, err = r.answer(closed, link, true)
	isFault(t, err, fault.Conflict, "order.state")
}

func TestALateConfirmationStillCounts(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	number := r.apply(nil)
	link := r.represented(number)
	c := r.challenged(number, order.DCVTXT)
	require.Contains(t, awaitedCodes(r.status(number)), "dns-record", "the wait is over")
	reused, err := r.answer(number, link, true)
	require.NoError(t, err)
	require.Equal(t, order.OrganizationValidation, reused.State)
	require.Equal(t, first, reused.Domain)
	isFault(t, r.RecordDomainEvidence(r.ctx(), evidence(c, r.tick())), fault.Conflict, "dcv.replaced")

	proved := r.apply(nil)
	link = r.represented(proved)
	r.validated(proved)
	reused, err = r.answer(proved, link, true)
	require.NoError(t, err)
	require.Equal(t, first, reused.Organization)
	require.Empty(t, reused.Domain, "it has proved its domain itself")
}

func TestThePhoneConfirmsWhatIsKnownOfTheDomain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	asked := r.apply(nil)
	r.represented(asked)
	reused := r.phoneValidated(asked)
	require.Equal(t, order.OrganizationValidation, reused.State)
	require.Equal(t, first, reused.Domain)
	require.Empty(t, reused.Organization, "it was phoned itself")
	require.Equal(t, order.ReuseByPhone, r.status(asked).Reuse.Live(order.DomainEvidence).Basis)
	r.unchanged(func() {
		again, err := r.PhoneValidated(r.ctx(), asked, staff, reuseRules(), r.tick())
		require.NoError(t, err)
		require.Equal(t, reused, again)
	})

	challenged := r.apply(nil)
	r.challenged(challenged, order.DCVTXT)
	require.Equal(t, first, r.phoneValidated(challenged).Domain, "also while a challenge is out")

	phoned := r.apply(nil)
	r.phoned(phoned)
	at := r.tick()
	got, err := r.OfferReuse(r.ctx(), order.ReuseOffer{Order: phoned, Reusable: r.reusable(phoned), AskedAt: at, Until: at.Add(day)}, reuseRules())
	require.NoError(t, err)
	require.Equal(t, first, got.Domain, "nobody is asked who has confirmed on the phone")
	require.Zero(t, got.AskedUntil)

	stranger := r.apply(func(a *order.Application) { a.Representative.Email = "rep@example.com" })
	require.Nil(t, r.phoneValidated(stranger))
	require.Equal(t, order.Accepted, r.state(stranger))
	require.Nil(t, r.status(stranger).Reuse)
}

// confirmed is an order that reuses everything of the one before it.
func (r *record) confirmed() string {
	r.t.Helper()
	number := r.apply(nil)
	_, err := r.answer(number, r.represented(number), true)
	require.NoError(r.t, err)
	require.Equal(r.t, order.OrganizationValidation, r.state(number))
	return number
}

func TestTheLastGateLooksAtTheAgeAgain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.proven(nil)
	issuer := r.issuer().ID
	r.age(397 * day)
	number := r.confirmed()
	r.later(day)
	_, err := r.Reserve(r.ctx(), toBeSigned(number, 1, issuer), permitted, r.tick())
	isFault(t, err, fault.Conflict, "reuse.lapsed")

	at := r.tick()
	reused, err := r.EndLapsedReuses(r.ctx(), number, reuseRules(), at)
	require.NoError(t, err)
	require.Equal(t, order.DomainValidation, reused.State, "the domain is proved anew")
	require.Empty(t, reused.Domain)
	require.NotEmpty(t, reused.Organization, "the organisation's validation still holds")
	require.Equal(t, []string{"dns-record"}, awaitedCodes(r.status(number)))
	r.unchanged(func() {
		again, err := r.EndLapsedReuses(r.ctx(), number, reuseRules(), at)
		require.NoError(t, err)
		require.Nil(t, again, "what is left holds")
	})
	r.validated(number)
	r.certify(number)
	ended := r.status(number).Reuse.Reused
	require.Len(t, ended, 2)
	require.Equal(t, order.EndTooOld, ended[0].Why)
}

func TestWhatLapses(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		happens func(r *record, first string, rules *order.ReuseRules)
		awaited []string
		why     order.ReuseEnd
	}{
		"nothing": {func(*record, string, *order.ReuseRules) {}, []string{"issuance"}, ""},
		"the policy shortens a limit meanwhile": {func(_ *record, _ string, rules *order.ReuseRules) { rules.Domain = time.Second },
			[]string{"dns-record"}, order.EndTooOld},
		"the policy forbids the source meanwhile": {func(_ *record, _ string, rules *order.ReuseRules) { rules.PhoneSources = nil },
			[]string{"phone-number", "phone-reach", "phone-confirm"}, order.EndForbidden},
		"the earlier certificate is revoked as wrongly issued": {func(r *record, first string, _ *order.ReuseRules) {
			r.exec(`UPDATE certificates SET revoked_at = now(), revocation_reason = 9 WHERE order_number = $1`, first)
		}, []string{"dns-record", "phone-number", "phone-reach", "phone-confirm"}, order.EndInvalidated},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			first := r.proven(nil)
			number := r.confirmed()
			rules := reuseRules()
			row.happens(r, first, &rules)
			_, err := r.EndLapsedReuses(r.ctx(), number, rules, r.tick())
			require.NoError(t, err)
			st := r.status(number)
			require.Equal(t, row.awaited, awaitedCodes(st))
			var whys []order.ReuseEnd
			for _, e := range st.Reuse.Reused {
				whys = append(whys, e.Why)
			}
			if row.why != "" {
				require.Contains(t, whys, row.why)
			}
		})
	}
}

func TestACorrectionOfTheOrganisationEndsReuse(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	number := r.confirmed()
	rec, err := r.RecordCommand(r.ctx(), number, order.SubjectCorrected{Actor: by(), City: "Minato-ku", Reason: "register"}, r.tick(), nil)
	require.NoError(t, err)
	require.Equal(t, first, rec.Reused.Organization, "a city is corrected without calling again")

	rec, err = r.RecordCommand(r.ctx(), number, order.SubjectCorrected{Actor: by(), Organization: "Sample Trading Inc.", Reason: "register"}, r.tick(), nil)
	require.NoError(t, err)
	require.Empty(t, rec.Reused.Organization+rec.Reused.Domain, "what was reused belongs to another name")
	require.Equal(t, order.DomainValidation, rec.Reused.State)
	require.Equal(t, []string{"dns-record", "phone-number", "phone-reach", "phone-confirm"}, awaitedCodes(r.status(number)))
}

func TestARejectionInvalidatesEvidence(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		distrust bool
		reusable bool // what the first order had proved
	}{
		"of the order itself":               {false, true},
		"with distrust also what it reused": {true, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			first := r.proven(nil)
			number, other := r.confirmed(), r.confirmed()
			r.phoneValidated(number)
			applied, err := r.command(number, order.OrderRejected{Actor: by(), Reason: "no such organisation", Distrust: row.distrust})
			require.NoError(t, err)
			require.True(t, applied)
			require.Equal(t, string(order.EndRejected), one[string](r, `SELECT invalidated_why FROM organization_evidence WHERE order_number = $1`, number))
			require.Equal(t, row.reusable, r.reusable(r.apply(nil)).Organization != nil)
			_, err = r.Reserve(r.ctx(), toBeSigned(other, 1, r.issuer().ID), permitted, r.tick())
			if row.reusable {
				require.NoError(t, err)
				return
			}
			isFault(t, err, fault.Conflict, "reuse.lapsed")
			st := r.status(first)
			require.Equal(t, "evidence-invalidated", st.Timeline[len(st.Timeline)-1].Action, "the order that had gathered it says so")
		})
	}
}

func TestAnotherTelephoneNumberInvalidatesTheSteps(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.apply(nil)
	r.validated(number)
	r.phoneValidated(number)
	_, err := r.command(number, order.PhoneNumberVerified{Actor: by(), Number: "+81300000001", Source: order.SourceDirectory, Reference: "directory"})
	require.NoError(t, err)
	require.Equal(t, string(order.EndNumber), one[string](r, `SELECT invalidated_why FROM organization_evidence`))
	_, err = r.command(number, order.RepresentativeReached{Actor: by(), How: order.ReachedByTransfer, Note: "again"})
	require.NoError(t, err)
	_, err = r.command(number, order.RepresentativeConfirmed{Actor: by(), Note: "again"})
	require.NoError(t, err)
	_, err = r.PhoneValidated(r.ctx(), number, staff, reuseRules(), r.tick())
	require.NoError(t, err)
	r.certify(number)
	require.Equal(t, "+81300000001", one[string](r, `SELECT telephone FROM organization_evidence WHERE invalidated_at IS NULL`))
	require.NotNil(t, r.reusable(r.apply(nil)).Organization)
}

func TestTwoOrdersMayReuseTheSameEvidenceAtOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	const orders, calls = 4, 3
	var wait sync.WaitGroup
	numbers := make([]string, orders)
	for i := range numbers {
		numbers[i] = r.apply(nil)
		link := r.represented(numbers[i])
		for range calls { // each answer arrives several times at once
			wait.Go(func() {
				reused, err := r.answer(numbers[i], link, true)
				if err != nil || reused.Organization != first || reused.Domain != first {
					t.Errorf("order %s reuses %+v: %v", numbers[i], reused, err)
				}
			})
		}
	}
	wait.Wait()
	require.Equal(t, 2*orders, one[int](r, `SELECT count(*) FROM reuses`))
	for _, n := range numbers {
		r.certify(n)
	}
	_, err := r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

func TestPredecessor(t *testing.T) {
	t.Parallel()
	renewal := func(change func(*order.Application)) order.Application {
		a := application()
		a.Type = order.Renewal
		if change != nil {
			change(&a)
		}
		return a
	}
	for what, row := range map[string]struct {
		then   func(r *record, first string)
		change func(*order.Application)
		from   time.Duration // of the window, counted from the certificate's end
		found  bool
	}{
		"the certificate of the address":        {from: -day, found: true},
		"however the address is written":        {from: -day, found: true, change: func(a *order.Application) { a.CertificateEmail = "INFO@example.co.jp" }},
		"one that ended a while ago":            {from: -2 * day},
		"one that ends much later":              {from: day},
		"another address":                       {from: -day, change: func(a *order.Application) { a.CertificateEmail = "sales@example.co.jp" }},
		"another organisation":                  {from: -day, change: func(a *order.Application) { a.Organization.Name = "Sample Inc." }},
		"another representative renews as well": {from: -day, found: true, change: func(a *order.Application) { a.Representative.Email = "new@example.co.jp" }},
		"a revoked one is not renewed": {from: -day, then: func(r *record, n string) {
			r.exec(`UPDATE certificates SET revoked_at = now(), revocation_reason = 4 WHERE order_number = $1`, n)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			first := r.proven(nil)
			if row.then != nil {
				row.then(r, first)
			}
			end := noon.AddDate(1, 0, 0).Add(row.from)
			found, err := r.Predecessor(r.ctx(), renewal(row.change), end, end.Add(day+time.Hour))
			require.NoError(t, err)
			require.Equal(t, row.found, found != nil)
			if row.found {
				require.Equal(t, order.CertificateRef{Order: first, Sequence: 1}, found.CertificateRef)
				require.Equal(t, noon.AddDate(1, 0, 0), found.NotAfter)
			}
		})
	}
}

func TestACertificateIsRenewedOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := r.proven(nil)
	sub := submission(nil)
	sub.Application.Type = order.Renewal
	renew := func() string {
		sub := submission(r.vouchers(1)[0])
		sub.Application.Type = order.Renewal
		number, _, err := r.ReserveNumber(r.ctx(), sub)
		require.NoError(t, err)
		a := acceptance(number, sub, r.tick())
		a.Renews, err = r.Predecessor(r.ctx(), sub.Application, noon, noon.AddDate(1, 0, 1))
		require.NoError(t, err)
		require.NotNil(t, a.Renews)
		require.NoError(t, r.Accept(r.ctx(), a))
		return number
	}
	number, late := renew(), renew()
	st := r.status(number)
	require.Equal(t, first, st.Renews.Order)
	require.Empty(t, st.Renews.RenewedBy)
	r.validated(number)
	r.phoneValidated(number)
	r.certify(number)
	require.Empty(t, r.status(number).Renews.RenewedBy, "not by itself")
	require.Equal(t, number, r.status(late).Renews.RenewedBy, "the other one learns of it")
	found, err := r.Predecessor(r.ctx(), sub.Application, noon, noon.AddDate(1, 0, 1))
	require.NoError(t, err)
	require.NotNil(t, found)
	require.Equal(t, number, found.Order, "the newest one is next")
	require.Nil(t, r.status(r.accepted()).Renews)
}
