package engine

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/workflows"
)

// ResumeRevocation starts the workflow of a recorded request unless it is under way, and leaves one that is alone.
func (o *Orders) ResumeRevocation(ctx context.Context, request string) error {
	options := revokeOptions()
	options.ID = workflows.RevokeID(request)
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	_, err := o.Client.ExecuteWorkflow(ctx, options, workflows.RevokeType, activities.RevocationInput{ID: request})
	return translate(err)
}

// Revoke sets a recorded revocation request on its way, or tells its workflow that the record has changed. It may be called again at any
// time, also after the request has come to its end.
func (o *Orders) Revoke(ctx context.Context, request string) error {
	_, err := o.Client.SignalWithStartWorkflow(ctx, workflows.RevokeID(request), workflows.RevocationChanged, nil, revokeOptions(),
		workflows.RevokeType, activities.RevocationInput{ID: request})
	return translate(err)
}

func revokeOptions() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		TaskQueue:             workflows.TaskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "Secure Mail ID revocation",
	}
}
