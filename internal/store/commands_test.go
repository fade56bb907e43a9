package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func (r *record) command(number string, c order.Command, letters ...order.Letter) (bool, error) {
	rec, err := r.RecordCommand(r.ctx(), number, c, r.tick(), letters)
	return rec.Applied, err
}

func TestPhoneStepsInAnyOrderOnceOrTwice(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for _, sequence := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}} {
		number := r.accepted()
		for _, i := range sequence {
			applied, err := r.command(number, phoneSteps[i])
			require.NoError(t, err)
			require.True(t, applied)
			r.unchanged(func() {
				applied, err = r.command(number, phoneSteps[i])
				require.NoError(t, err)
				require.False(t, applied, "the same step again")
			})
		}
		st, err := r.Order(r.ctx(), number)
		require.NoError(t, err)
		require.True(t, st.Phone.Done())
	}
}

// A slip in the number can be mended. What was learnt by calling the wrong one counts no more.
func TestAnotherNumberReplacesTheOneBeforeAndVoidsTheCalls(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	first := order.PhoneNumberVerified{Actor: by(), Number: "03-1234-5678", Source: order.SourceGovernment, Reference: "register entry"}
	change := func(edit func(*order.PhoneNumberVerified)) order.PhoneNumberVerified {
		c := first
		edit(&c)
		return c
	}
	for name, row := range map[string]struct {
		again    order.PhoneNumberVerified
		replaces bool
	}{
		"the same":                    {first, false},
		"the same by a colleague":     {change(func(c *order.PhoneNumberVerified) { c.Actor.Actor = "staff/other" }), false},
		"the same written otherwise":  {change(func(c *order.PhoneNumberVerified) { c.Number = "+81312345678" }), false},
		"another number":              {change(func(c *order.PhoneNumberVerified) { c.Number = "03-1234-5679" }), true},
		"from another source":         {change(func(c *order.PhoneNumberVerified) { c.Source = order.SourceDirectory }), true},
		"found under another heading": {change(func(c *order.PhoneNumberVerified) { c.Reference = "directory" }), true},
	} {
		t.Run(name, func(t *testing.T) {
			number := r.accepted()
			for _, c := range []order.Command{first, phoneSteps[1], phoneSteps[2]} {
				_, err := r.command(number, c)
				require.NoError(t, err)
			}
			at := r.tick()
			for range 2 { // a retry is answered as the first time
				rec, err := r.RecordCommand(r.ctx(), number, row.again, at, nil)
				require.NoError(t, err)
				require.Equal(t, row.replaces, rec.Applied)
				require.Equal(t, !row.replaces, rec.Phone.Done())
				st, err := r.Order(r.ctx(), number)
				require.NoError(t, err)
				require.Equal(t, st.Phone, rec.Phone, "the answer is what the record says")
			}
			if !row.replaces {
				return
			}
			st, err := r.Order(r.ctx(), number)
			require.NoError(t, err)
			require.Equal(t, order.PhoneSteps{NumberVerifiedAt: at}, st.Phone)
			require.Equal(t, row.again.Number, st.PhoneNumber)
			require.Equal(t, row.again.Source, st.PhoneSource)
			require.Equal(t, row.again.Reference, st.PhoneReference)
			require.Contains(t, st.Timeline[len(st.Timeline)-1].Detail, "replaced=true")
			require.Equal(t, 2, one[int](r, `SELECT count(*) FROM commands WHERE order_number = $1 AND name = 'phone-number-verified'`, number), "both stay as evidence")

			rec, err := r.RecordCommand(r.ctx(), number, first, r.tick(), nil)
			require.NoError(t, err)
			require.True(t, rec.Applied, "and back again: the last one counts")
			for _, c := range phoneSteps[1:] {
				rec, err = r.RecordCommand(r.ctx(), number, c, r.tick(), nil)
				require.NoError(t, err)
				require.True(t, rec.Applied)
			}
			require.True(t, rec.Phone.Done())
		})
	}
}

// A call recorded before the number is known is not voided by the first number: the steps come in any order.
func TestTheFirstNumberVoidsNothing(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for _, i := range []int{2, 1, 0} {
		rec, err := r.RecordCommand(r.ctx(), number, phoneSteps[i], r.tick(), nil)
		require.NoError(t, err)
		require.Equal(t, i == 0, rec.Phone.Done())
	}
}

func TestACallWithOtherContentIsNoRepeat(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.phoned(number)
	for name, c := range map[string]order.Command{
		"reached otherwise":      order.RepresentativeReached{Actor: by(), How: order.ReachedByNumber, ContactNumber: "090-1234-5678"},
		"reached, with a note":   order.RepresentativeReached{Actor: by(), How: order.ReachedByTransfer, Note: "by the front desk"},
		"confirmed, with a note": order.RepresentativeConfirmed{Actor: by(), Note: "called at noon"},
	} {
		r.unchanged(func() {
			_, err := r.command(number, c)
			isFault(t, err, fault.Conflict, "phone.number-differs")
			require.NotContains(t, err.Error(), "1234", name)
		})
	}
}

func TestTheSameCallIsAnsweredAsTheFirstTime(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	commands := append([]order.Command{
		order.InquiryOpened{Actor: by(), Question: "部署名をご確認ください。"},
		order.SubjectCorrected{Actor: by(), City: "Minato-ku", Reason: "register"},
		order.DomainCheckNow{Actor: order.Actor{Actor: applicant}},
		order.DomainMethodChanged{Actor: order.Actor{Actor: applicant}, Method: order.DCVFile},
		order.ChallengeResent{Actor: order.Actor{Actor: applicant}},
	}, phoneSteps...)
	for _, c := range commands {
		at := r.tick()
		for range 3 {
			rec, err := r.RecordCommand(r.ctx(), number, c, at.Add(300*time.Nanosecond), []order.Letter{letter(number, order.LetterInquiry, string(c.Name()), at)})
			require.NoError(t, err)
			require.True(t, rec.Applied, c.Name())
		}
		require.Equal(t, 1, one[int](r, `SELECT count(*) FROM audit WHERE order_number = $1 AND action = $2`, number, c.Name()))
		require.Equal(t, 1, one[int](r, `SELECT count(*) FROM commands WHERE order_number = $1 AND name = $2`, number, c.Name()))
		require.Equal(t, 1, one[int](r, `SELECT count(*) FROM letters WHERE order_number = $1 AND key = $2`, number, c.Name()))
	}
	require.Equal(t, "register entry", one[string](r, `SELECT content->>'reference' FROM commands WHERE name = 'phone-number-verified'`), "kept as evidence")
}

func TestCommandsAfterTheirTime(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	all := append([]order.Command{
		order.InquiryOpened{Actor: by(), Question: "q"}, order.InquiryAnswered{Actor: by(), Answer: "a"},
		order.SubjectCorrected{Actor: by(), City: "Minato-ku"}, order.DomainCheckNow{Actor: by()}, order.ReviewDecided{Actor: by()},
	}, phoneSteps...)
	for _, state := range []order.State{order.Rejected, order.Cancelled, order.Expired, order.Issuing, order.Issued} {
		number := r.inState(state)
		phoned := state == order.Issuing || state == order.Issued
		for _, c := range all {
			r.unchanged(func() {
				applied, err := r.command(number, c)
				require.False(t, applied)
				switch c.(type) {
				case order.PhoneNumberVerified, order.RepresentativeReached, order.RepresentativeConfirmed:
					if phoned {
						require.NoError(t, err, "%s repeated in %s", c.Name(), state)
						return
					}
				}
				isFault(t, err, fault.Conflict, "order.state")
			})
		}
	}
	_, err := r.command("1000000000", phoneSteps[0])
	isFault(t, err, fault.NotFound, "order.unknown")
}

// keysOf are the keys of the order's undelivered letters of a kind.
func keysOf(r *record, number string, kind order.LetterKind) (keys []string) {
	pending, err := r.PendingLetters(r.ctx(), number)
	require.NoError(r.t, err)
	for _, l := range pending {
		if l.Kind == kind {
			keys = append(keys, l.Key)
		}
	}
	return keys
}

func TestSubjectCorrected(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	c := order.SubjectCorrected{Actor: by(), Organization: "Sample Trading Co., Ltd.", RemoveUnit: true, Reason: "register"}
	told := func(key string) bool {
		at := r.tick()
		rec, err := r.RecordCommand(r.ctx(), number, c, at, []order.Letter{letter(number, order.LetterCorrected, key, at)})
		require.NoError(t, err)
		return rec.Applied
	}
	require.True(t, told("first"))
	require.False(t, told("second"), "a repeat")
	require.Equal(t, []string{"first"}, keysOf(r, number, order.LetterCorrected), "tells nothing new")
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, c.Apply(application().Subject()), st.Subject)
	require.Equal(t, application().Subject().Organization, st.Application.Organization.Name, "the form stays as it was")
	require.Equal(t, "fields=[organization unit]", st.Timeline[1].Detail, "fields, not values")
	r.unchanged(func() {
		applied, err := r.command(number, c)
		require.NoError(t, err)
		require.False(t, applied)
	})
}

func TestInquiries(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	ask := func(q string) order.Command { return order.InquiryOpened{Actor: by(), Question: q} }
	answer := func(a string) order.Command {
		return order.InquiryAnswered{Actor: order.Actor{Actor: applicant}, Answer: a}
	}

	_, err := r.command(number, answer("too early"))
	isFault(t, err, fault.Conflict, "inquiry.none")
	applied, err := r.command(number, ask("q1"), letter(number, order.LetterInquiry, "1", r.clock()))
	require.NoError(t, err)
	require.True(t, applied)
	applied, err = r.command(number, ask("q1"))
	require.NoError(t, err)
	require.False(t, applied, "the same question waits already")
	_, err = r.command(number, ask("q2"))
	isFault(t, err, fault.Conflict, "inquiry.open")
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, "inquiry-answer", st.Awaited[0].Code)

	applied, err = r.command(number, answer("a1"))
	require.NoError(t, err)
	require.True(t, applied)
	applied, err = r.command(number, answer("a1"))
	require.NoError(t, err)
	require.False(t, applied, "the same answer again")
	_, err = r.command(number, answer("another"))
	isFault(t, err, fault.Conflict, "inquiry.none")
	applied, err = r.command(number, ask("q2"))
	require.NoError(t, err)
	require.True(t, applied)

	st, err = r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Len(t, st.Inquiries, 2)
	require.Equal(t, "a1", st.Inquiries[0].Answer)
	require.Equal(t, "q2", st.Inquiries[1].Question)
	require.True(t, st.Inquiries[1].AnsweredAt.IsZero())
	for _, e := range st.Timeline {
		require.NotContains(t, e.Detail, "q1", "the audit trail cannot be wiped: it holds no free text")
	}
}

func TestRecordRefusal(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	at := r.tick()
	for range 2 {
		require.NoError(t, r.RecordRefusal(r.ctx(), number, "representative-confirmed", "the message is empty", at))
	}
	require.NoError(t, r.RecordRefusal(r.ctx(), number, fmt.Sprintf("%01000d", 0), "unknown", r.tick()))
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, 2, st.Refusals)
	require.Equal(t, "command=representative-confirmed, reason=the message is empty", st.Timeline[1].Detail)
	require.Less(t, len(st.Timeline[2].Detail), 400, "what a stranger sends is cut")
	isFault(t, r.RecordRefusal(r.ctx(), "1000000000", "x", "y", at), fault.NotFound, "order.unknown")
}

func TestFiftyRepeatsOfOneStepCountOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	results := make([]bool, 50)
	idx := make([]int, 50)
	for i := range idx {
		idx[i] = i
	}
	for _, err := range race(idx, func(i int) error {
		rec, err := r.RecordCommand(r.ctx(), number, phoneSteps[0], noon.Add(time.Duration(i)*time.Minute), nil)
		results[i] = rec.Applied
		return err
	}) {
		require.NoError(t, err)
	}
	applied := 0
	for _, a := range results {
		if a {
			applied++
		}
	}
	require.Equal(t, 1, applied)
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM commands`))
}
