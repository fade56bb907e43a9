package order

// Filter chooses orders for a list, newest first. Zero fields choose nothing out.
type Filter struct {
	State      State
	NeedsStaff bool   // only those in which staff have something to do
	Domain     string // A-labels, lower case
	Before     string // number of the last order of the page before
	Limit      int    // at most; the record sets its own bound
}
