package order

// Correction is a field of the subject in which something else is certified than was entered (G10).
type Correction struct {
	Field     string `json:"field"`               // as SubjectCorrected names it
	Entered   string `json:"entered,omitempty"`   // empty: nothing was entered
	Certified string `json:"certified,omitempty"` // empty: the certificate does not have it
}

// SubjectField is a field of the subject, as SubjectCorrected names it, with its value.
type SubjectField struct{ Name, Value string }

// Fields returns the fields in the order of the form.
func (s Subject) Fields() []SubjectField {
	return []SubjectField{{"organization", s.Organization}, {"unit", s.Unit}, {"state", s.State}, {"city", s.City}, {"identifier", s.Identifier}}
}

// CorrectedFrom returns the fields of s that differ from what was entered, in the order of the form.
func (s Subject) CorrectedFrom(entered Subject) []Correction {
	var out []Correction
	before := entered.Fields()
	for i, f := range s.Fields() {
		if f.Value != before[i].Value {
			out = append(out, Correction{Field: f.Name, Entered: before[i].Value, Certified: f.Value})
		}
	}
	return out
}
