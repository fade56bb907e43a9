package engine

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/internal/csr"
	"securemailid.example/workflows"
)

// CertifyResponder has the key of a signing request, DER, certified as an OCSP signer of the issuing CA and returns once the certificate
// is in the record. The same request may be handed in again.
func (o *Orders) CertifyResponder(ctx context.Context, issuer string, request []byte) error {
	asked, err := csr.Parse(string(request), nil)
	if err != nil {
		return err
	}
	run, err := o.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.CertifyResponderID(issuer, asked.FingerprintHex()),
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "OCSP signer of issuing CA " + issuer,
	}, workflows.CertifyResponderType, activities.CertifyInput{Issuer: issuer, Request: request})
	if err != nil {
		return translate(err)
	}
	return translate(run.Get(ctx, nil))
}
