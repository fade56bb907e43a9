package order

import "securemailid.example/internal/fault"

// Check returns the rules that the message breaks.
func (c PhoneNumberVerified) Check() []fault.Field     { return nil }
func (c RepresentativeReached) Check() []fault.Field   { return nil }
func (c RepresentativeConfirmed) Check() []fault.Field { return nil }
func (c SubjectCorrected) Check() []fault.Field        { return nil }
func (c InquiryOpened) Check() []fault.Field           { return nil }
func (c InquiryAnswered) Check() []fault.Field         { return nil }
func (c ReviewDecided) Check() []fault.Field           { return nil }
func (c OrderRejected) Check() []fault.Field           { return nil }
func (c OrderCancelled) Check() []fault.Field          { return nil }
func (c DomainApproved) Check() []fault.Field          { return nil }
func (c DomainCheckNow) Check() []fault.Field          { return nil }
func (c DomainMethodChanged) Check() []fault.Field     { return nil }
func (c ChallengeResent) Check() []fault.Field         { return nil }
