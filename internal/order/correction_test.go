package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCorrectedFrom(t *testing.T) {
	t.Parallel()
	entered := Subject{Organization: "Sample Trading", Unit: "Sales", State: "Tokyo", City: "Chiyoda-ku"}
	for _, row := range []struct {
		say  string
		c    SubjectCorrected
		want []Correction
	}{
		{"nothing", SubjectCorrected{}, nil},
		{"what was entered, said again", SubjectCorrected{City: "Chiyoda-ku"}, nil},
		{"another name", SubjectCorrected{Organization: "Sample Trading K.K."}, []Correction{{"organization", "Sample Trading", "Sample Trading K.K."}}},
		{"a unit left out, a number added, in the order of the form", SubjectCorrected{Identifier: "NTRJP-011001098993", City: "Minato-ku", RemoveUnit: true},
			[]Correction{{"unit", "Sales", ""}, {"city", "Chiyoda-ku", "Minato-ku"}, {"identifier", "", "NTRJP-011001098993"}}},
		{"another prefecture", SubjectCorrected{State: "Kanagawa"}, []Correction{{"state", "Tokyo", "Kanagawa"}}},
	} {
		require.Equal(t, row.want, row.c.Apply(entered).CorrectedFrom(entered), row.say)
	}
}
