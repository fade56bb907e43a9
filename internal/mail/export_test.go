package mail

import "github.com/rivo/uniseg"

// Columns is the width of a line as a terminal shows it.
func Columns(s string) int { return uniseg.StringWidth(s) }
