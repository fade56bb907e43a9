package activities

import (
	"context"
	"time"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Records is what the activities need of the record (PostgreSQL). Each method is one transaction, the links of letters included; each may be called again
// with the same arguments, by a retry or a zombie attempt, and then changes nothing and answers as the first call did. Every
// change writes its audit line in the same transaction. A missing order is a fault of kind NotFound; an impossible
// transition one of kind Conflict; a database that does not answer one of kind Unavailable.
type Records interface {
	// Submission returns a reserved submission that may not have been accepted yet.
	Submission(ctx context.Context, number string) (order.Submission, error)
	// Accept redeems the voucher for the order, creates the order in state accepted and puts the letters into the outbox.
	// A voucher that cannot be redeemed is a fault of code voucher.unknown, voucher.used, voucher.expired, voucher.cancelled or
	// voucher.validity (its years are not those asked for), and nothing remains. A reissue redeems nothing and goes on to review at once. A
	// technical contact of too many applications that were withdrawn in a day is a TooMany of code submission.too-many, and nothing remains either. An
	// original that has ended or was revoked, or of which another reissue is under way, is a Conflict; one whose reissue was asked for too often in a
	// day is a TooMany.
	Accept(ctx context.Context, a Acceptance) error

	// Original returns the certificate that a reissue is of, with why it is issued again. While staff have not chosen it is a Conflict
	// of code reissue.undecided.
	Original(ctx context.Context, number string) (order.Original, order.ReissueFacts, error)

	// Candidates returns the certificates that a request for a reissue fits, in the order of their issue.
	Candidates(ctx context.Context, number string) ([]order.Original, error)

	// Order returns the order as it stands; its Status.Application is filled.
	Order(ctx context.Context, number string) (order.Status, error)

	// OpenChallenge makes c the order's current challenge, ends the one before and its unused links, moves the order from
	// accepted to domain-validation if it is there (in review it is a Conflict), and puts letters into the outbox. Approval mails of which the
	// domain has had too many are left out, and MailsAfter says until when: a letter of kind LetterApprovalsHeld goes out in their place, or, without
	// one, nothing is opened and it is a TooMany of code letter.too-often. A repeat with the same (order, sequence)
	// returns the stored challenge. Once the current challenge is satisfied no other is opened: that one is returned, with SatisfiedAt.
	OpenChallenge(ctx context.Context, c dcv.Challenge, letters []order.Letter, actor string) (dcv.Challenge, error)
	// Challenge returns the order's current challenge; SatisfiedAt tells whether evidence for it has been recorded.
	Challenge(ctx context.Context, number string) (dcv.Challenge, error)
	// RecordCheck notes a check that found nothing, for the status; next is when polling looks again. Polling ("system") leaves no audit
	// line, since a look changes nothing; a check that somebody asked for leaves one with its actor.
	RecordCheck(ctx context.Context, challenge string, f dcv.Finding, actor string, at, next time.Time) error
	// RecordDomainEvidence stores e, marks its challenge satisfied and moves the order to organization-validation. Evidence for
	// a challenge that is no longer current is a Conflict.
	RecordDomainEvidence(ctx context.Context, e dcv.Evidence) error
	// DecideApproval uses up the approval link once; an expired or replaced link, or one used for the other decision, is a
	// Conflict or NotFound: the same decision again is a repeat. It returns the address that the link had been sent to. With
	// approved it also does what RecordDomainEvidence does. The link of another order than e.Order is NotFound.
	DecideApproval(ctx context.Context, link string, approved bool, e dcv.Evidence) (recipient string, err error)

	// RecordCommand stores a staff or applicant command as evidence and audit line with what follows from it: phone steps, the corrected
	// subject, the inquiry and its answer. Applied is false when the same step had been recorded before. A phone step with another
	// content than the recorded one is a Conflict, except another number, source or reference: it replaces the one before and voids
	// the steps taken with that, which is why the steps are part of the answer.
	RecordCommand(ctx context.Context, number string, c order.Command, at time.Time, letters []order.Letter) (order.Recorded, error)
	// Predecessor returns the certificate that an application would renew (G3): the newest of the same address and organisation that ends
	// between the two times, is not revoked and has not been renewed; nil without one.
	Predecessor(ctx context.Context, a order.Application, from, to time.Time) (*order.Renewed, error)
	// ReusableFor returns what of earlier validations the order could reuse (G16), once it is confirmed: evidence of the same organisation and
	// registered representative, of orders that ended with a certificate, inside its age limit.
	ReusableFor(ctx context.Context, number string, rules order.ReuseRules, at time.Time) (order.Reusable, error)
	// OfferReuse keeps that the representative is asked, with link and letter, and returns where the order stands. The first offer wins. An
	// order whose phone steps are done is asked nothing: what is known of its domain is reused at once.
	OfferReuse(ctx context.Context, f order.ReuseOffer, rules order.ReuseRules) (order.Reused, error)
	// DecideReuse uses up the link of an offer once. Confirmed, the order reuses what still fits and moves on as far as that takes it, in one
	// transaction; denied, it reuses nothing and is for the caller to reject. An expired link, or one used for the other answer, is a
	// Conflict or NotFound: the same answer again is a repeat.
	DecideReuse(ctx context.Context, a order.ReuseAnswer, rules order.ReuseRules) (order.Reused, error)
	// PhoneValidated keeps the order's phone steps as evidence once all three are done, and lets it reuse what is known of its domain. It
	// returns where the order stands, or nil for one that reuses nothing.
	PhoneValidated(ctx context.Context, number, actor string, rules order.ReuseRules, at time.Time) (*order.Reused, error)
	// EndLapsedReuses ends what the order reuses and what does not hold any more under the rules, and moves it back to where it is to be
	// validated anew. It returns where the order stands, or nil if everything holds.
	EndLapsedReuses(ctx context.Context, number string, rules order.ReuseRules, at time.Time) (*order.Reused, error)

	// RecordRefusal keeps that a message could not be applied, and why; reason holds no value of the message.
	RecordRefusal(ctx context.Context, number string, command, reason string, at time.Time) error

	// Reserve stores the to-be-signed bytes under (order, sequence), moves the order to issuing, and returns what is stored: the first
	// reservation wins for ever. caa is kept as evidence.
	Reserve(ctx context.Context, tbs order.ToBeSigned, caa dcv.CAADecision, at time.Time) (order.ToBeSigned, error)
	// Reserved returns the reservation, or NotFound.
	Reserved(ctx context.Context, number string, sequence int) (order.ToBeSigned, error)
	// Issue signs the reserved bytes by sign under a row lock and records the result, moves the order to issued and puts the
	// letters into the outbox. If the certificate is there already it is returned and sign is not called.
	Issue(ctx context.Context, number string, sequence int, at time.Time, sign func(order.ToBeSigned) (der []byte, err error),
		letters func(order.Certificate) []order.Letter) (order.Certificate, error)

	// Block keeps why no certificate can be issued at present, for staff; the state stays. The same reason again changes nothing.
	// Reserve, Issue and Close end it as well. An order that has ended is a Conflict.
	Block(ctx context.Context, number string, why fault.Text, at time.Time) error
	// Unblock says that nothing keeps the certificate from being issued any more; an order that is not blocked stays as it is.
	Unblock(ctx context.Context, number string) error

	// Close ends an order without a certificate: state is rejected, cancelled or expired. Its voucher becomes unused again.
	Close(ctx context.Context, number string, state order.State, actor, reason string, at time.Time, letters []order.Letter) error

	// PendingLetters returns the order's undelivered letters, oldest first.
	PendingLetters(ctx context.Context, number string) ([]order.Letter, error)
	// LetterDone records the fate of a delivery attempt: sent is final and wipes the facts, failed takes the secret links out of them
	// and stands until staff have the letter sent again, pending counts the attempt (without an audit line: the order stays as it is).
	LetterDone(ctx context.Context, id string, state order.LetterState, reply string, at time.Time) error
	// RemindLetters puts reminder letters into the outbox.
	RemindLetters(ctx context.Context, letters []order.Letter) error
}

// Acceptance is what turns a submission into an order.
type Acceptance = order.Acceptance

// Prober looks for a challenge's value in the world.
type Prober interface {
	// Probe asks DNS or the web server once. Not finding the value is a Finding, not an error; an error means that this side
	// could not look at all.
	Probe(ctx context.Context, c dcv.Challenge) (dcv.Finding, error)
}

// CAAChecker decides by RFC 9495 whether the domain's CAA records permit us to issue.
type CAAChecker interface {
	CheckCAA(ctx context.Context, domain string) (dcv.CAADecision, error)
}

// ContactFinder returns the e-mail addresses that WHOIS publishes for a domain (G17); none is no error.
type ContactFinder interface {
	Contacts(ctx context.Context, domain string) ([]string, error)
}

// Preparer builds and lints to-be-signed bytes. It does not touch the CA key. A finding that stops issuance is a fault of
// kind Conflict and code "lint".
type Preparer interface {
	Prepare(ctx context.Context, r order.CertificateRequest) (order.ToBeSigned, error)
}

// Signer signs exactly the given bytes with the CA key and returns the certificate, DER. It compares what came out with what
// went in.
type Signer interface {
	Sign(ctx context.Context, t order.ToBeSigned) ([]byte, error)
}

// Mailer renders and sends one letter. A *fault.Error of kind Invalid is the recipient's server refusing for good; any other
// error is worth another try. reply is the server's answer, shortened.
type Mailer interface {
	Send(ctx context.Context, l order.Letter) (reply string, err error)
}
