package workflows

// validateOrganization waits for the three phone steps of G20, which staff record by command at any time after submission and in
// any order, or for those of an earlier order that may be reused (G16), and for the answer to an open inquiry (G12). Should the proof of the
// domain lapse meanwhile, because it was reused and does not hold any more, it is given anew first.
func (o *run) validateOrganization() error {
	for {
		if err := o.validateDomain(); err != nil || o.over() || o.tired() {
			return err
		}
		err := o.await(func() bool { return o.organizationProved() && !o.inquiry || !o.domainProved() })
		if err != nil || o.domainProved() {
			return err
		}
	}
}

// organizationProved reports whether the organisation and its representative are known by phone.
func (o *run) organizationProved() bool { return o.phone.all() || o.reused.Organization != "" }
