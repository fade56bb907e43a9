package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// approvalLinks are two approval links of the challenge.
func approvalLinks(c dcv.Challenge) []order.Link {
	out := make([]order.Link, 2)
	for i, to := range []string{"admin@example.co.jp", "postmaster@example.co.jp"} {
		out[i] = order.Link{ID: uuid.NewString(), Hash: random(32), Order: c.Order, Purpose: order.LinkApproval, Challenge: c.ID, Recipient: to, ExpiresAt: c.OpenedAt.AddDate(0, 0, 14)}
	}
	return out
}

// asked opens an e-mail challenge with its links.
func (r *record) asked(number string, sequence int) (dcv.Challenge, []order.Link) {
	r.t.Helper()
	c := challenge(number, sequence, order.DCVEmail, r.tick())
	links := approvalLinks(c)
	mail := letter(number, order.LetterDomainApproval, fmt.Sprint(sequence), c.OpenedAt)
	mail.Links = links
	c, err := r.OpenChallenge(r.ctx(), c, []order.Letter{mail}, "system")
	require.NoError(r.t, err)
	return c, links
}

func TestOpenChallenge(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for _, from := range order.States {
		t.Run("from "+string(from), func(t *testing.T) {
			number := r.inState(from)
			at := r.tick()
			c := challenge(number, 7, order.DCVCNAME, at)
			got, err := r.OpenChallenge(r.ctx(), c, []order.Letter{letter(number, order.LetterChallenge, "7", at)}, "system")
			if from == order.OrganizationValidation || from == order.Issuing || from == order.Issued {
				require.NoError(t, err)
				require.Equal(t, 1, got.Sequence, "the domain is proven: nothing else is opened")
				require.False(t, got.SatisfiedAt.IsZero())
				require.Equal(t, from, r.state(number))
				return
			}
			if from != order.DomainValidation && from != order.Accepted { // nor in review: nothing is validated before it
				isFault(t, err, fault.Conflict, "order.state")
				require.Equal(t, from, r.state(number))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c, got)
			st, err := r.Order(r.ctx(), number)
			require.NoError(t, err)
			require.Equal(t, order.DomainValidation, st.State)
			require.Equal(t, c.ID, st.Challenge.ID)
			require.Equal(t, order.Progress{State: order.DomainValidation, Method: order.DCVCNAME}.Awaited(), st.Awaited, "what is awaited follows the method")
		})
	}
	_, err := r.OpenChallenge(r.ctx(), challenge("1000000000", 1, order.DCVTXT, noon), nil, "system")
	isFault(t, err, fault.NotFound, "order.unknown")
}

func TestOpenChallengeAgainReturnsTheStoredOne(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	first := r.challenged(number, order.DCVTXT)
	r.unchanged(func() {
		other := challenge(number, 1, order.DCVTXT, r.tick())
		other.Token = "another"
		got, err := r.OpenChallenge(r.ctx(), other, []order.Letter{letter(number, order.LetterChallenge, "other", noon)}, "system")
		require.NoError(t, err)
		require.Equal(t, first, got)
	})
	second := challenge(number, 2, order.DCVFile, r.tick())
	_, err := r.OpenChallenge(r.ctx(), second, nil, applicant)
	require.NoError(t, err)
	r.unchanged(func() { // a zombie of the first call
		got, err := r.OpenChallenge(r.ctx(), first, nil, "system")
		require.NoError(t, err)
		require.Equal(t, first, got)
	})
	current, err := r.Challenge(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, second, current)

	_, err = r.OpenChallenge(r.ctx(), challenge(number, 9, order.DCVFile, r.tick()), nil, applicant)
	require.NoError(t, err)
	_, err = r.OpenChallenge(r.ctx(), challenge(number, 5, order.DCVFile, r.tick()), nil, applicant)
	isFault(t, err, fault.Conflict, "dcv.replaced")
}

// An activity whose answer was lost learns from the record that the proof is there, whatever it asks.
func TestASatisfiedChallengeSaysSo(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c := r.challenged(number, order.DCVTXT)
	require.True(t, c.SatisfiedAt.IsZero())
	at := r.tick()
	require.NoError(t, r.RecordDomainEvidence(r.ctx(), evidence(c, at)))

	want := c
	want.SatisfiedAt = at
	got, err := r.Challenge(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, want, got)
	r.unchanged(func() {
		for _, sequence := range []int{1, 2, 9} {
			got, err := r.OpenChallenge(r.ctx(), challenge(number, sequence, order.DCVFile, r.tick()),
				[]order.Letter{letter(number, order.LetterChallenge, "late", r.clock())}, applicant)
			require.NoError(t, err)
			require.Equal(t, want, got, "sequence %d", sequence)
		}
	})
	require.NoError(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
	_, err = r.OpenChallenge(r.ctx(), challenge(number, 2, order.DCVFile, r.tick()), nil, applicant)
	isFault(t, err, fault.Conflict, "order.state")
}

func TestChallengeOfAnOrderWithoutOne(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	_, err := r.Challenge(r.ctx(), number)
	isFault(t, err, fault.NotFound, "dcv.unknown")
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Nil(t, st.Challenge)
}

func TestRecordCheckKeepsTheLastFindingAndTheCount(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c := r.challenged(number, order.DCVTXT)
	missing := dcv.Finding{Code: "missing", Text: fault.Text{JA: "レコードがありません。", EN: "There is no such record."}}
	differs := dcv.Finding{Code: "differs", Text: fault.Text{JA: "値が違います。", EN: "The value differs."}}

	lines := r.auditLines()
	first, second := r.tick(), r.tick()
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, missing, "system", first, first.Add(time.Hour)))
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, differs, "system", second, second.Add(time.Hour)))
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, differs, "system", second, second.Add(time.Hour)), "a repeat")
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, missing, "system", first, first.Add(time.Hour)), "a zombie")
	require.Equal(t, lines, r.auditLines(), "a look of the system's own changes nothing")

	view := func() order.ChallengeView {
		st, err := r.Order(r.ctx(), number)
		require.NoError(t, err)
		return *st.Challenge
	}
	v := view()
	require.Equal(t, 2, v.Checks)
	require.Equal(t, differs.Text, v.LastFinding)
	require.Equal(t, second, v.LastCheckAt)
	require.Equal(t, second.Add(time.Hour), v.NextCheckAt)

	third := r.tick()
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, missing, "system", third, time.Time{}))
	require.True(t, view().NextCheckAt.IsZero(), "polling does not look again")

	asked := r.tick()
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, differs, applicant, asked, asked.Add(time.Hour)))
	require.Equal(t, 4, view().Checks)
	r.unchanged(func() {
		require.NoError(t, r.RecordCheck(r.ctx(), c.ID, differs, applicant, asked, asked.Add(time.Hour)), "a repeat")
	})
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, order.Event{At: asked, Actor: applicant, Action: "domain-check-now", Detail: "finding=differs"}, st.Timeline[len(st.Timeline)-1])

	require.NoError(t, r.RecordDomainEvidence(r.ctx(), evidence(c, r.tick())))
	late := r.tick()
	require.NoError(t, r.RecordCheck(r.ctx(), c.ID, missing, "system", late, late.Add(time.Hour)), "of no interest after the proof")
	require.Equal(t, 4, view().Checks)
	isFault(t, r.RecordCheck(r.ctx(), uuid.NewString(), missing, "system", late, late), fault.NotFound, "dcv.unknown")
}

func TestRecordDomainEvidence(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c := r.challenged(number, order.DCVTXT)
	e := evidence(c, r.tick())
	require.NoError(t, r.RecordDomainEvidence(r.ctx(), e))
	require.Equal(t, order.OrganizationValidation, r.state(number))
	require.Equal(t, policyRow, one[string](r, `SELECT policy_version FROM domain_evidence WHERE order_number = $1`, number))
	require.Equal(t, "192.0.2.53", one[string](r, `SELECT finding->'observations'->0->>'from' FROM domain_evidence WHERE order_number = $1`, number))

	r.unchanged(func() { require.NoError(t, r.RecordDomainEvidence(r.ctx(), e)) })
	r.unchanged(func() {
		require.NoError(t, r.RecordDomainEvidence(r.ctx(), evidence(c, r.tick())), "by another attempt")
	})
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM domain_evidence`))

	isFault(t, r.RecordDomainEvidence(r.ctx(), dcv.Evidence{ID: "x", Order: number, Challenge: uuid.NewString(), Actor: "system", At: noon}), fault.NotFound, "dcv.unknown")
	isFault(t, r.RecordDomainEvidence(r.ctx(), dcv.Evidence{Order: "1000000000"}), fault.NotFound, "order.unknown")
}

func TestEvidenceThatCountsNoMore(t *testing.T) {
	t.Parallel()
	r := newRecord(t)

	replaced := r.accepted()
	old := r.challenged(replaced, order.DCVTXT)
	_, err := r.OpenChallenge(r.ctx(), challenge(replaced, 2, order.DCVFile, r.tick()), nil, applicant)
	require.NoError(t, err)
	isFault(t, r.RecordDomainEvidence(r.ctx(), evidence(old, r.tick())), fault.Conflict, "dcv.replaced")

	aged := r.challenged(r.accepted(), order.DCVTXT)
	isFault(t, r.RecordDomainEvidence(r.ctx(), evidence(aged, aged.ExpiresAt.Add(time.Second))), fault.Conflict, "dcv.expired")

	ended := r.challenged(r.accepted(), order.DCVTXT)
	require.NoError(t, r.Close(r.ctx(), ended.Order, order.Cancelled, applicant, "", r.tick(), nil))
	isFault(t, r.RecordDomainEvidence(r.ctx(), evidence(ended, r.tick())), fault.Conflict, "dcv.replaced")

	other := r.accepted()
	e := evidence(old, r.tick())
	e.Order = other
	isFault(t, r.RecordDomainEvidence(r.ctx(), e), fault.NotFound, "dcv.unknown")
	require.Zero(t, one[int](r, `SELECT count(*) FROM domain_evidence`))
}

func TestApproval(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c, links := r.asked(number, 1)
	got, err := r.Link(r.ctx(), links[0].Hash)
	require.NoError(t, err)
	require.Equal(t, links[0], got)
	byID, err := r.LinkByID(r.ctx(), links[0].ID)
	require.NoError(t, err)
	require.Equal(t, links[0], byID)

	e := evidence(c, r.tick())
	e.Actor = "domain-owner"
	to, err := r.DecideApproval(r.ctx(), links[0].ID, true, e)
	require.NoError(t, err)
	require.Equal(t, "admin@example.co.jp", to)
	require.Equal(t, order.OrganizationValidation, r.state(number))
	require.Equal(t, "domain-owner", one[string](r, `SELECT actor FROM domain_evidence WHERE challenge = $1`, c.ID))

	t.Run("the same decision again is a repeat", func(t *testing.T) {
		r.unchanged(func() {
			to, err := r.DecideApproval(r.ctx(), links[0].ID, true, evidence(c, r.tick()))
			require.NoError(t, err)
			require.Equal(t, "admin@example.co.jp", to)
		})
	})
	t.Run("the other decision by a used link is a conflict", func(t *testing.T) {
		_, err := r.DecideApproval(r.ctx(), links[0].ID, false, evidence(c, r.tick()))
		isFault(t, err, fault.Conflict, "link.used")
	})
	t.Run("the other recipients learn that it is settled", func(t *testing.T) {
		_, err := r.DecideApproval(r.ctx(), links[1].ID, false, evidence(c, r.tick()))
		isFault(t, err, fault.Conflict, "link.settled")
		_, err = r.Link(r.ctx(), links[1].Hash)
		isFault(t, err, fault.Conflict, "link.settled")
	})
	t.Run("a used link can still be read", func(t *testing.T) {
		l, err := r.Link(r.ctx(), links[0].Hash)
		require.NoError(t, err)
		require.Equal(t, e.At, l.UsedAt)
	})
}

func TestDenialLeavesTheChallengeOpen(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c, links := r.asked(number, 1)
	to, err := r.DecideApproval(r.ctx(), links[0].ID, false, evidence(c, r.tick()))
	require.NoError(t, err)
	require.Equal(t, "admin@example.co.jp", to)
	require.Equal(t, order.DomainValidation, r.state(number))
	require.Zero(t, one[int](r, `SELECT count(*) FROM domain_evidence`))
	_, err = r.DecideApproval(r.ctx(), links[0].ID, true, evidence(c, r.tick()))
	isFault(t, err, fault.Conflict, "link.used")
	_, err = r.DecideApproval(r.ctx(), links[1].ID, true, evidence(c, r.tick()))
	require.NoError(t, err)
	require.Equal(t, order.OrganizationValidation, r.state(number))
}

func TestLinksThatDecideNothing(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c, links := r.asked(r.accepted(), 1)
	_, err := r.DecideApproval(r.ctx(), links[0].ID, true, evidence(c, links[0].ExpiresAt))
	isFault(t, err, fault.Conflict, "link.expired")

	r.asked(c.Order, 2)
	_, err = r.DecideApproval(r.ctx(), links[0].ID, true, evidence(c, r.tick()))
	isFault(t, err, fault.Conflict, "link.replaced")
	_, err = r.Link(r.ctx(), links[1].Hash)
	isFault(t, err, fault.Conflict, "link.replaced")

	_, err = r.DecideApproval(r.ctx(), uuid.NewString(), true, evidence(c, r.tick()))
	isFault(t, err, fault.NotFound, "link.unknown")
	_, err = r.Link(r.ctx(), random(32))
	isFault(t, err, fault.NotFound, "link.unknown")
	_, err = r.LinkByID(r.ctx(), "' OR true --")
	isFault(t, err, fault.NotFound, "link.unknown")

	other, otherLinks := r.asked(r.accepted(), 1)
	r.unchanged(func() {
		_, err = r.DecideApproval(r.ctx(), otherLinks[0].ID, true, evidence(c, r.tick()))
		isFault(t, err, fault.NotFound, "link.unknown")
	})
	require.Equal(t, order.DomainValidation, r.state(other.Order), "the link of one order decides nothing for another")
	require.Equal(t, order.DomainValidation, r.state(c.Order))

	download := one[string](r, `SELECT id FROM links WHERE order_number = $1 LIMIT 1`, r.issued().Order)
	_, err = r.DecideApproval(r.ctx(), download, true, evidence(c, r.tick()))
	isFault(t, err, fault.NotFound, "link.unknown")
	require.NoError(t, r.Close(r.ctx(), c.Order, order.Rejected, staff, "denied by another recipient", r.tick(), nil))
	_, err = r.Link(r.ctx(), links[1].Hash)
	isFault(t, err, fault.Conflict, "link.closed")
}

func TestBothAnswersAtOnceAreOneDecision(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c, links := r.asked(r.accepted(), 1)
	at := r.tick()
	answers := make([]bool, 30)
	for i := range answers {
		answers[i] = i%2 == 0
	}
	errs := race(answers, func(approved bool) error {
		_, err := r.DecideApproval(r.ctx(), links[0].ID, approved, evidence(c, at))
		return err
	})
	decided := one[bool](r, `SELECT approved FROM links WHERE id = $1`, links[0].ID)
	for i, err := range errs {
		if answers[i] == decided {
			require.NoError(t, err)
			continue
		}
		isFault(t, err, fault.Conflict, "link.used")
	}
}

func statusLink(number string) order.Link {
	return order.Link{ID: uuid.NewString(), Hash: random(32), Order: number, Purpose: order.LinkStatus, Recipient: "tech@example.co.jp", ExpiresAt: noon.AddDate(0, 0, 180)}
}

func TestAddLink(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	link := statusLink(r.accepted())
	require.NoError(t, r.AddLink(r.ctx(), link))
	found, err := r.Link(r.ctx(), link.Hash)
	require.NoError(t, err)
	require.Equal(t, link, found)
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM audit WHERE order_number = $1 AND action = 'link-added'`, link.Order))

	r.unchanged(func() {
		again := link
		again.ID, again.ExpiresAt = uuid.NewString(), noon.AddDate(9, 0, 0)
		require.NoError(t, r.AddLink(r.ctx(), again))
		found, err = r.Link(r.ctx(), link.Hash)
		require.NoError(t, err)
		require.Equal(t, link, found, "the first stands")

		isFault(t, r.AddLink(r.ctx(), statusLink("1000000000")), fault.NotFound, "order.unknown")
	})
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

func TestTheSameLinkAddedAtOnceIsOneLink(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	link := statusLink(r.accepted())
	for _, err := range race(make([]struct{}, 20), func(struct{}) error {
		mine := link
		mine.ID = uuid.NewString()
		return r.AddLink(r.ctx(), mine)
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM links WHERE hash = $1`, link.Hash))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM audit WHERE action = 'link-added'`))
}
