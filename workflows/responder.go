package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// CertifyResponderType names the workflow that has an OCSP signer certified.
const CertifyResponderType = "CertifyResponder"

// CertifyResponderID is the workflow id for a key of an issuer, by the SHA-256 of its SubjectPublicKeyInfo in hex.
func CertifyResponderID(issuer, key string) string { return "ocsp-signer-" + issuer + "-" + key[:16] }

// CertifyResponder carries a responder's wish to a worker that holds the key of its issuing CA. A wish that nobody takes up within minutes is given up:
// the responder asks again.
func CertifyResponder(ctx workflow.Context, in activities.CertifyInput) (activities.CertifyResult, error) {
	o := prepareOptions("certify an OCSP signer")
	o.TaskQueue = IssuerQueue(in.Issuer)
	return call(ctx, o, responders.CertifyResponder, in)
}
