package workflows

// validateOrganization waits for the three phone steps of G20, which staff record by command at any time after submission and in
// any order, and for the answer to an open inquiry (G12).
func (o *run) validateOrganization() error {
	return o.await(func() bool { return o.phone.all() && !o.inquiry })
}
