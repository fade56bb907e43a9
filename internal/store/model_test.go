package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// model is what an order must be after the calls so far.
type model struct {
	state    order.State
	sequence int
	phone    [3]bool
	inquiry  bool
	reserved bool
}

func (m *model) open() bool  { return !m.state.Final() && m.state != order.Issuing }
func (m *model) ready() bool { return m.phone == [3]bool{true, true, true} && !m.inquiry }

// next names the call that brings the order further.
func (m *model) next() string {
	switch m.state {
	case order.Accepted:
		return "open challenge"
	case order.DomainValidation:
		return "evidence"
	case order.OrganizationValidation:
		switch {
		case m.phone != [3]bool{true, true, true}:
			return "phone step"
		case m.inquiry:
			return "answer"
		}
		return "reserve"
	case order.Issuing:
		return "issue"
	default:
		return ""
	}
}

// Any sequence of calls, with repeats and zombies among them, keeps the record and the model in step: the same calls succeed,
// and what the order is afterwards agrees.
func TestAnySequenceOfCallsFollowsTheModel(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	reached := map[order.State]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{state: order.Accepted}
		number := r.accepted()
		agree := func(err error, allowed bool, what string) {
			t.Helper()
			if allowed {
				require.NoError(t, err, "%s in %s", what, m.state)
				return
			}
			require.Contains(t, []fault.Kind{fault.Conflict, fault.NotFound}, fault.KindOf(err), "%s in %s: %v", what, m.state, err)
		}
		actions := map[string]func(*rapid.T){
			"open challenge": func(t *rapid.T) {
				sequence := m.sequence + rapid.IntRange(0, 1).Draw(t, "further")
				_, err := r.OpenChallenge(r.ctx(), challenge(number, max(1, sequence), order.DCVTXT, r.tick()), nil, "system")
				repeat := sequence > 0 && sequence == m.sequence
				repeat = repeat || m.state == order.OrganizationValidation || m.state == order.Issuing || m.state == order.Issued
				allowed := repeat || m.state == order.DomainValidation || m.state.CanBecome(order.DomainValidation)
				agree(err, allowed, "open")
				if allowed && !repeat {
					m.state, m.sequence = order.DomainValidation, max(1, sequence)
				}
			},
			"evidence": func(t *rapid.T) {
				c, err := r.Challenge(r.ctx(), number)
				if m.sequence == 0 {
					agree(err, false, "challenge")
					return
				}
				require.NoError(t, err)
				before := m.state
				err = r.RecordDomainEvidence(r.ctx(), evidence(c, r.tick()))
				satisfied := one[bool](r, `SELECT EXISTS (SELECT FROM domain_evidence WHERE order_number = $1)`, number)
				agree(err, before == order.DomainValidation || satisfied, "evidence")
				if before == order.DomainValidation {
					m.state = order.OrganizationValidation
				}
			},
			"phone step": func(t *rapid.T) {
				i := rapid.IntRange(0, 2).Draw(t, "step")
				applied, err := r.command(number, phoneSteps[i])
				agree(err, m.phone[i] || m.open(), "phone")
				require.Equal(t, !m.phone[i] && m.open(), applied)
				m.phone[i] = m.phone[i] || m.open()
			},
			"inquiry": func(t *rapid.T) {
				applied, err := r.command(number, order.InquiryOpened{Actor: by(), Question: "q"})
				agree(err, m.open(), "inquiry")
				require.Equal(t, m.open() && !m.inquiry, applied)
				m.inquiry = m.inquiry || m.open()
			},
			"answer": func(t *rapid.T) {
				_, err := r.command(number, order.InquiryAnswered{Actor: by(), Answer: r.clock().Format(time.RFC3339)})
				agree(err, m.open() && m.inquiry, "answer")
				m.inquiry = m.inquiry && !m.open()
			},
			"reserve": func(t *rapid.T) {
				_, err := r.Reserve(r.ctx(), toBeSigned(number, 1, issuer), permitted, r.tick())
				allowed := m.reserved || m.state == order.OrganizationValidation && m.ready()
				agree(err, allowed, "reserve")
				if allowed && !m.reserved {
					m.state, m.reserved = order.Issuing, true
				}
			},
			"issue": func(t *rapid.T) {
				at := r.tick()
				_, err := r.Issue(r.ctx(), number, 1, at, sign, notices(at))
				agree(err, m.state == order.Issuing || m.state == order.Issued, "issue")
				if m.state == order.Issuing {
					m.state = order.Issued
				}
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				end := rapid.SampledFrom([]order.State{order.Rejected, order.Cancelled, order.Expired}).Draw(t, "end")
				allowed := m.state == end || m.state.CanBecome(end)
				agree(r.Close(r.ctx(), number, end, staff, "reason", r.tick(), nil), allowed, "close as "+string(end))
				if allowed {
					m.state = end
				}
			},
		}
		steps := maps.Clone(actions)
		actions["advance"] = func(t *rapid.T) { // by chance alone hardly any order would be issued
			if name := m.next(); name != "" {
				steps[name](t)
			}
		}
		actions["advance again"] = actions["advance"]
		actions[""] = func(t *rapid.T) {
			reached[m.state]++
			st, err := r.Order(r.ctx(), number)
			require.NoError(t, err)
			require.Equal(t, m.state, st.State)
			require.Equal(t, m.state == order.Issued, len(st.Certificates) == 1)
			kept := one[bool](r, `SELECT EXISTS (SELECT FROM vouchers WHERE order_number = $1)`, number)
			require.Equal(t, !m.state.Final() || m.state == order.Issued, kept, "the voucher is held unless the order ended without a certificate")
		}
		t.Repeat(actions)
	})
	_, err := r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
	for _, s := range order.States {
		ended := s.Final() && s != order.Issued // the model treats these ends alike, and chance may leave one out
		require.True(t, ended || s == order.Review || reached[s] > 0, "no sequence came to %s: %v", s, reached)
	}
	require.Positive(t, reached[order.Rejected]+reached[order.Cancelled]+reached[order.Expired], "no sequence ended without a certificate")
}
