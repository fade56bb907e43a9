package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

var kinds = []Kind{Invalid, NotFound, Conflict, Forbidden, TooMany, Unavailable, Internal}

func TestTextSpeaksJapaneseUnlessAskedForEnglish(t *testing.T) {
	t.Parallel()
	text := Text{JA: "使用済みです。", EN: "It is used."}
	for lang, want := range map[string]string{"ja": text.JA, "": text.JA, "fr": text.JA, "en": text.EN} {
		require.Equal(t, want, text.In(lang), "%q", lang)
	}
}

func TestInvalidFields(t *testing.T) {
	t.Parallel()
	require.NoError(t, InvalidFields(nil), "no broken rule is no error, and no typed nil either")
	require.NoError(t, InvalidFields([]Field{}))
	err := InvalidFields([]Field{{Path: "organization.city", Code: "required", Rule: Text{EN: "This is required."}, Remedy: Text{EN: "Fill it in."}}})
	require.Equal(t, Invalid, KindOf(err))
	require.EqualError(t, err,
		"Some of what was entered cannot be accepted. (invalid-fields); organization.city: This is required. Fill it in.")
}

func TestTheCauseIsForTheLogOnly(t *testing.T) {
	t.Parallel()
	cause := errors.New("pq: duplicate key (number)=(0312345678)")
	used := New(Conflict, "voucher.used", "使用済みです。", "It is used.")
	err := used.Because(cause)
	require.ErrorIs(t, err, cause, "the log can find it")
	require.NoError(t, used.Unwrap(), "the example itself is not changed")

	data, jsonErr := json.Marshal(err)
	require.NoError(t, jsonErr)
	for _, shown := range []string{err.Error(), string(data), Public(fmt.Errorf("redeem: %w", cause)).Error()} {
		require.NotContains(t, shown, "0312345678")
	}
}

func TestIsComparesKindAndCode(t *testing.T) {
	t.Parallel()
	example := New(Conflict, "voucher.used", "", "")
	wrapped := fmt.Errorf("redeem: %w", New(Conflict, "voucher.used", "ja", "en").Because(errors.New("row")))
	require.ErrorIs(t, wrapped, example)
	require.NotErrorIs(t, wrapped, New(Conflict, "voucher.expired", "", ""))
	require.NotErrorIs(t, wrapped, New(Invalid, "voucher.used", "", ""))
	require.NotErrorIs(t, errors.New("voucher.used"), example)
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	require.Empty(t, KindOf(nil))
	require.Equal(t, Internal, KindOf(errors.New("anything")), "the unknown is internal")
	for _, k := range kinds {
		require.Equal(t, k, KindOf(fmt.Errorf("wrapped: %w", New(k, "x", "", ""))))
	}
	outer := New(Unavailable, "outer", "", "").Because(New(NotFound, "inner", "", ""))
	require.Equal(t, Unavailable, KindOf(outer), "the first of the chain decides")
}

func TestPublicHidesTheUnknown(t *testing.T) {
	t.Parallel()
	known := New(NotFound, "order.unknown", "見つかりません。", "There is none.")
	require.Same(t, known, Public(fmt.Errorf("wrapped: %w", known)))

	cause := errors.New("dial tcp 192.0.2.1:5432: refused")
	shown := Public(cause)
	require.Equal(t, Internal, shown.Kind)
	require.Equal(t, "internal", shown.Code)
	require.NotContains(t, shown.Error(), "192.0.2.1")
	require.ErrorIs(t, shown, cause)
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	want := map[Kind]bool{Invalid: true, NotFound: true, Conflict: true, Forbidden: true, TooMany: false, Unavailable: false, Internal: false}
	require.Len(t, want, len(kinds))
	for k, permanent := range want {
		require.Equal(t, permanent, Permanent(New(k, "x", "", "")), "%s", k)
	}
	require.False(t, Permanent(errors.New("anything")), "what we do not know may pass")
	require.False(t, Permanent(nil))
}
