package engine

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/workflows"
)

// Revoke sets a recorded revocation request on its way, or tells its workflow that the record has changed. It may be called again at any
// time, also after the request has come to its end.
func (o *Orders) Revoke(ctx context.Context, request string) error {
	_, err := o.Client.SignalWithStartWorkflow(ctx, workflows.RevokeID(request), workflows.RevocationChanged, nil, client.StartWorkflowOptions{
		TaskQueue:             workflows.TaskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "Secure Mail ID revocation",
	}, workflows.RevokeType, activities.RevocationInput{ID: request})
	return translate(err)
}
