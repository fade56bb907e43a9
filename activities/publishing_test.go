package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// lists is a record of lists in memory whose PublishCRL answers what the test says.
type lists struct {
	activities.ListRecords // what a test does not expect panics
	number                 int64
	current                map[string]order.CRL
	publish                func(order.CRL) error
}

func (l *lists) SaveIssuingCA(context.Context, order.IssuingCA) error { return nil }

func (l *lists) CRL(_ context.Context, issuer string) (order.CRL, error) {
	c, ok := l.current[issuer]
	if !ok {
		return c, fault.New(fault.NotFound, "crl.unknown", "", "")
	}
	return c, nil
}

func (l *lists) DraftCRL(_ context.Context, issuer, _ string, at time.Time) (order.CRLDraft, error) {
	l.number++
	return order.CRLDraft{Issuer: issuer, Number: l.number, At: at}, nil
}

func (l *lists) PublishCRL(_ context.Context, c order.CRL) error {
	if l.publish != nil {
		if err := l.publish(c); err != nil {
			return err
		}
	}
	l.current[c.Issuer] = c
	return nil
}

// issuing is an issuing CA that signs, or fails as it is told.
type issuing struct {
	id  string
	err error
}

func (i issuing) ID() string                { return i.id }
func (i issuing) Describe() order.IssuingCA { return order.IssuingCA{ID: i.id} }
func (i issuing) CRL(_ context.Context, d order.CRLDraft) (order.CRL, error) {
	return order.CRL{Issuer: d.Issuer, Number: d.Number, ThisUpdate: d.At, NextUpdate: d.At.AddDate(0, 0, 7)}, i.err
}

func publisher(t *testing.T, l *lists, now *time.Time, signers ...activities.CRLSigner) *activities.Publishing {
	t.Helper()
	book, ok := policy.Open(policy.Guide)
	require.True(t, ok)
	if l.current == nil {
		l.current = map[string]order.CRL{}
	}
	return &activities.Publishing{Records: l, Issuing: signers, Policy: book, Clock: func() time.Time { return *now }}
}

func TestListsArePublishedWhereTheyAreDue(t *testing.T) {
	t.Parallel()
	now, l := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), &lists{}
	p := publisher(t, l, &now, issuing{id: "a"}, issuing{id: "b"})
	numbers := func(in activities.PublishInput) (out []int64) {
		t.Helper()
		got, err := p.PublishCRLs(t.Context(), in)
		require.NoError(t, err)
		for _, each := range got.Lists {
			out = append(out, each.Number)
		}
		return out
	}
	require.Equal(t, []int64{1, 2}, numbers(activities.PublishInput{IfDue: true}), "there are none yet")
	now = now.Add(23 * time.Hour)
	require.Equal(t, []int64{1, 2}, numbers(activities.PublishInput{IfDue: true}), "they are fresh")
	require.Equal(t, []int64{3}, numbers(activities.PublishInput{Issuers: []string{"b"}}), "after a revocation")
	now = now.Add(time.Hour)
	require.Equal(t, []int64{4, 3}, numbers(activities.PublishInput{IfDue: true}), "one is a day old")
}

func TestOneListThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	now, l := time.Now(), &lists{}
	broken := errors.New("the HSM does not answer")
	p := publisher(t, l, &now, issuing{id: "a", err: broken}, issuing{id: "b"})
	got, err := p.PublishCRLs(t.Context(), activities.PublishInput{})
	require.ErrorIs(t, err, broken)
	require.Len(t, got.Lists, 1)
	require.Contains(t, l.current, "b")
}

func TestOneListIsPublishedByItself(t *testing.T) {
	t.Parallel()
	now, l := time.Now(), &lists{}
	p := publisher(t, l, &now, issuing{id: "a", err: errors.New("the HSM does not answer")}, issuing{id: "b"})
	require.NoError(t, p.Register(t.Context()))
	got, err := p.PublishCRL(t.Context(), activities.ListInput{Issuer: "b"})
	require.NoError(t, err)
	require.Equal(t, activities.PublishedList{Issuer: "b", Number: 1, NextUpdate: now.AddDate(0, 0, 7)}, got)
	_, err = p.PublishCRL(t.Context(), activities.ListInput{Issuer: "c"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "a key that is elsewhere")
}

func TestAQuickerPublisherIsNoFailure(t *testing.T) {
	t.Parallel()
	now, l := time.Now(), &lists{}
	l.publish = func(c order.CRL) error {
		l.current[c.Issuer] = order.CRL{Issuer: c.Issuer, Number: 9}
		return fault.New(fault.Conflict, "crl.older", "", "")
	}
	got, err := publisher(t, l, &now, issuing{id: "a"}).PublishCRLs(t.Context(), activities.PublishInput{})
	require.NoError(t, err)
	require.EqualValues(t, 9, got.Lists[0].Number)
}

func TestAListWhoseKeyIsElsewhereIsLeftToAnotherWorker(t *testing.T) {
	t.Parallel()
	now, l := time.Now(), &lists{}
	_, err := publisher(t, l, &now, issuing{id: "a"}).PublishCRLs(t.Context(), activities.PublishInput{Issuers: []string{"a", "b"}})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Contains(t, l.current, "a")
}
