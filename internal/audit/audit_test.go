package audit_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/audit"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// chain returns n well-chained lines of one order.
func chain(t require.TestingT, n int) []audit.Entry {
	const number = "1234567890"
	prev := audit.Genesis(audit.ChainOf(number))
	out := make([]audit.Entry, 0, n)
	for i := range n {
		e, err := audit.New(number, "staff/ops", "phone-number-verified", map[string]any{"step": i}, noon.Add(time.Duration(i)*time.Second))
		require.NoError(t, err)
		content, err := e.Content()
		require.NoError(t, err)
		e.Seq, e.PrevHash, e.Hash = int64(i+1), prev, audit.Next(prev, content)
		prev = e.Hash
		out = append(out, e)
	}
	return out
}

func lines(es []audit.Entry) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for _, e := range es {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestVerifyFollowsAnUntouchedChain(t *testing.T) {
	t.Parallel()
	es := chain(t, 5)
	head, err := audit.Verify(es[0].Chain, lines(es))
	require.NoError(t, err)
	require.Equal(t, audit.Head{Chain: es[0].Chain, Seq: 5, Hash: es[4].Hash}, head)
}

func TestVerifyFindsTampering(t *testing.T) {
	t.Parallel()
	rechain := func(e *audit.Entry) { // an attacker who knows the format repairs the line itself
		content, _ := e.Content()
		e.Hash = audit.Next(e.PrevHash, content)
	}
	for name, tamper := range map[string]func([]audit.Entry) []audit.Entry{
		"the actor is changed":            func(es []audit.Entry) []audit.Entry { es[2].Actor = "staff/eve"; return es },
		"the order is changed":            func(es []audit.Entry) []audit.Entry { es[2].Order = "9876543210"; return es },
		"the action is changed":           func(es []audit.Entry) []audit.Entry { es[2].Action = "nothing"; return es },
		"the detail is changed":           func(es []audit.Entry) []audit.Entry { es[2].Detail = []byte(`{"step":7}`); return es },
		"the time is changed":             func(es []audit.Entry) []audit.Entry { es[2].At = es[2].At.Add(time.Microsecond); return es },
		"the first line is removed":       func(es []audit.Entry) []audit.Entry { return es[1:] },
		"a line in the middle is removed": func(es []audit.Entry) []audit.Entry { return append(es[:2:2], es[3:]...) },
		"two lines change places":         func(es []audit.Entry) []audit.Entry { es[1], es[2] = es[2], es[1]; return es },
		"a line is repeated":              func(es []audit.Entry) []audit.Entry { return append(es[:2:2], es[1:]...) },
		"a line is changed and re-hashed": func(es []audit.Entry) []audit.Entry { es[2].Actor = "eve"; rechain(&es[2]); return es },
		"a line is removed and renumbered": func(es []audit.Entry) []audit.Entry {
			es = append(es[:2:2], es[3:]...)
			es[2].Seq, es[3].Seq = 3, 4
			return es
		},
		"a line's detail is no longer JSON": func(es []audit.Entry) []audit.Entry { es[2].Detail = []byte(`{`); return es },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := chain(t, 5)
			c := es[0].Chain
			_, err := audit.Verify(c, lines(tamper(es)))
			_, ok := errors.AsType[*audit.BrokenError](err)
			require.True(t, ok, "%v", err)
		})
	}
}

func TestChainCannotStandForAnother(t *testing.T) {
	t.Parallel()
	es := chain(t, 3)
	other := (es[0].Chain + 1) % audit.Chains
	for i := range es {
		es[i].Chain = other
	}
	_, err := audit.Verify(other, lines(es))
	require.ErrorContains(t, err, "another chain")
}

func TestVerifyPassesReadErrorsOn(t *testing.T) {
	t.Parallel()
	failed := errors.New("read failed")
	_, err := audit.Verify(0, func(yield func(audit.Entry, error) bool) { yield(audit.Entry{}, failed) })
	require.ErrorIs(t, err, failed)
}

func TestLineNeedsActorActionAndJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, actor, action string
		detail              any
	}{
		{"no actor", "", "submitted", nil},
		{"no action", "system", "", nil},
		{"a detail that is no object", "system", "submitted", []int{1}},
		{"a detail that is not JSON", "system", "submitted", math.Inf(1)},
	} {
		_, err := audit.New("", c.actor, c.action, c.detail, noon)
		require.Error(t, err, c.name)
	}
}

func TestContentDoesNotDependOnHowDetailWasBuilt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "detail")
		zone := time.FixedZone("somewhere", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)
		a, err := audit.New("1", "system", "x", m, noon)
		require.NoError(t, err)
		b, err := audit.New("1", "system", "x", m, noon.In(zone).Truncate(time.Microsecond))
		require.NoError(t, err)
		ca, err := a.Content()
		require.NoError(t, err)
		cb, err := b.Content()
		require.NoError(t, err)
		require.Equal(t, string(ca), string(cb))
	})
}

func TestSummaryIsReadable(t *testing.T) {
	t.Parallel()
	e, err := audit.New("1", "system", "x", struct {
		Sequence int    `json:"sequence"`
		Method   string `json:"method"`
	}{2, "dns-txt"}, noon)
	require.NoError(t, err)
	require.Equal(t, "method=dns-txt, sequence=2", e.Summary())
	require.Empty(t, audit.Entry{Detail: []byte("{}")}.Summary())
	require.Equal(t, "no JSON", audit.Entry{Detail: []byte("no JSON")}.Summary())
}

func TestOrdersSpreadOverTheChains(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for i := range 1000 {
		c := audit.ChainOf(fmt.Sprint(1000000000 + i))
		require.GreaterOrEqual(t, c, 0)
		require.Less(t, c, audit.Chains)
		seen[c] = true
	}
	require.Len(t, seen, audit.Chains)
}
