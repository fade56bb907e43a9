package cli

import "strings"

// Table is printed with aligned columns. Cells may be coloured and may hold wide characters.
type Table struct {
	Head []string
	Rows [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Print writes the table; the head is dim. The last column is not padded.
func (t *Table) Print(s *Screen) {
	widths := make([]int, len(t.Head))
	for i, h := range t.Head {
		widths[i] = Width(h)
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(Pad(cell, widths[i]))
		}
		return strings.TrimRight(b.String(), " ")
	}
	s.Println(s.Dim(line(t.Head)))
	for _, row := range t.Rows {
		s.Println(line(row))
	}
}
