package order

import (
	"time"

	"securemailid.example/internal/fault"
)

// ReissueReason is why a certificate is asked for again (G24).
type ReissueReason string

const (
	KeyLost       ReissueReason = "key-lost"       // deleted, forgotten password, broken disk
	KeyCompromise ReissueReason = "key-compromise" // somebody else may have the key: the original is revoked (SBR 4.9.1.1)
	NewDevice     ReissueReason = "new-device"     // a new computer or mail program makes a key of its own
	OtherReason   ReissueReason = "other"          // said in words

	// DetailsChanged is on the form to be answered: a change of name or address is no reissue but a new application (G25).
	DetailsChanged ReissueReason = "details-changed"
)

// ReissueReasons lists the reasons for which a certificate is reissued.
var ReissueReasons = []ReissueReason{KeyLost, KeyCompromise, NewDevice, OtherReason}

// ReissueRequest is the form for a reissue (G24): no voucher, and nothing that would change the certificate's name. The field names are
// those of the request file.
type ReissueRequest struct {
	Language         Language         `json:"language"`
	Original         string           `json:"original"`   // what identifies the certificate: order number, serial number, address (the common name), or the name of its organisation
	ExpiresOn        string           `json:"expires_on"` // the day on which it ends in Japan, such as 2027-11-21
	Reason           ReissueReason    `json:"reason"`
	ReasonText       string           `json:"reason_text,omitempty"` // needed with other
	CSR              string           `json:"csr"`                   // PEM, or base64 of DER; only its key counts (G6, G25)
	Representative   Representative   `json:"representative"`
	TechnicalContact TechnicalContact `json:"technical_contact"`
	TermsAccepted    bool             `json:"terms_accepted"`
}

// CertificateRef names an issued certificate.
type CertificateRef struct {
	Order    string `json:"order"`
	Sequence int    `json:"sequence"`
}

// ReissueFacts is what makes an order a reissue: which certificate is issued again, and why.
type ReissueFacts struct {
	Asked          string // what was typed to identify the certificate, in its normal form
	Reason         ReissueReason
	ReasonText     string
	Original       CertificateRef   // zero while staff have to choose among the candidates (G26)
	Candidates     []CertificateRef // everything that fits what was typed; the original alone where that was clear
	ByOrganization bool             // the certificate was named by its organisation: staff choose it, and until then none is held

	ExpiresAt time.Time // end of the original to the second (G25); while there is a choice, the last of the candidates' ends
}

// OriginalView is a certificate that a reissue is or may be of, as staff see it.
type OriginalView struct {
	CertificateRef

	Serial           string           `json:"serial"`
	Organization     string           `json:"organization"`
	Email            string           `json:"email"`
	IssuedAt         time.Time        `json:"issued_at"`
	NotAfter         time.Time        `json:"not_after"`
	RevokedAt        time.Time        `json:"revoked_at,omitzero"`
	RevocationReason RevocationReason `json:"revocation_reason,omitempty"`
}

// ReissueOf is a request for the reissue of an order's certificate, as staff see it from that order.
type ReissueOf struct {
	Number    string    `json:"number"`
	State     State     `json:"state"`
	AskedAt   time.Time `json:"asked_at"`
	Undecided bool      `json:"undecided,omitempty"` // staff have to choose, and might choose another certificate
	Holds     bool      `json:"holds,omitempty"`     // it keeps other requests for the certificate from being accepted
}

// ReissueView is the reissue as staff see it.
type ReissueView struct {
	Asked      string         `json:"asked"`
	Reason     ReissueReason  `json:"reason"`
	ReasonText string         `json:"reason_text,omitempty"`
	Original   *OriginalView  `json:"original,omitempty"` // none while staff have to choose
	Candidates []OriginalView `json:"candidates"`
}

// Choose returns the certificate of which the reissue is, as a review names it by order number or serial number. The name may be
// left out where there is only one. The error is an invalid-fields fault whose field is "original".
func (v ReissueView) Choose(name string) (OriginalView, error) {
	if name == "" && len(v.Candidates) == 1 {
		return v.Candidates[0], nil
	}
	var fit []OriginalView
	if n, f := certificateName(name); f == nil {
		for _, c := range v.Candidates {
			if c.Order == n.Order || c.Serial == n.Serial {
				fit = append(fit, c)
			}
		}
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	return OriginalView{}, fault.InvalidFields([]fault.Field{field("original", "choice",
		"元の証明書を1つに特定する必要があります。", "The original certificate must be one of the candidates.",
		"候補の証明書のシリアル番号を指定してください。", "Give the serial number of one of the candidates.")})
}
