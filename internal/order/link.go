package order

import "time"

// LinkPurpose is the one thing that a link allows.
type LinkPurpose string

const (
	LinkApproval LinkPurpose = "approval" // approve or deny a domain (G17)
	LinkDownload LinkPurpose = "download" // fetch the certificate (G22)
	LinkStatus   LinkPurpose = "status"

	LinkRevocation    LinkPurpose = "revocation"     // revoke one certificate
	LinkRenewal       LinkPurpose = "renewal"        // an application form with what is known from the order (G3)
	LinkStopReminders LinkPurpose = "stop-reminders" // no more expiry reminders to the link's recipient
	LinkReuse         LinkPurpose = "reuse"          // confirm or deny an application for which earlier validations would be reused (G16)
)

// Link is an unguessable address given to somebody by mail. Only the hash of its token is stored.
type Link struct {
	ID        string // UUID, no secret
	Hash      []byte // SHA-256 of the token
	Order     string
	Purpose   LinkPurpose
	Challenge string // approval: the challenge it decides
	Sequence  int    // revocation: the certificate that it revokes
	Recipient string // the address it was sent to
	ExpiresAt time.Time
	UsedAt    time.Time // zero until used; only approval and revocation links are single use
}
