package order

// Correction is a field of the subject in which something else is certified than was entered (G10).
type Correction struct {
	Field     string `json:"field"`               // as SubjectCorrected names it
	Entered   string `json:"entered,omitempty"`   // empty: nothing was entered
	Certified string `json:"certified,omitempty"` // empty: the certificate does not have it
}

// CorrectedFrom returns the fields of s that differ from what was entered, in the order of the form.
func (s Subject) CorrectedFrom(entered Subject) []Correction {
	var out []Correction
	for _, f := range []Correction{
		{"organization", entered.Organization, s.Organization}, {"unit", entered.Unit, s.Unit}, {"state", entered.State, s.State},
		{"city", entered.City, s.City}, {"identifier", entered.Identifier, s.Identifier},
	} {
		if f.Entered != f.Certified {
			out = append(out, f)
		}
	}
	return out
}
