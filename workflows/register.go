package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// Activities is everything that orders call.
type Activities struct {
	Accepting *activities.Accepting
	Domain    *activities.Domain
	Commands  *activities.Commands
	Closing   *activities.Closing
	Mailing   *activities.Mailing
	Revoking  *activities.Revoking
	Reminding *activities.Reminding

	Reconciling *activities.Reconciling
	Overseeing  *activities.Overseeing
}

// Register puts the workflows of orders and letters with their activities on a worker of TaskQueue.
func Register(w worker.Registry, a Activities) {
	w.RegisterWorkflowWithOptions(Order, workflow.RegisterOptions{Name: OrderType})
	w.RegisterWorkflowWithOptions(Post, workflow.RegisterOptions{Name: PostType})
	w.RegisterWorkflowWithOptions(Revoke, workflow.RegisterOptions{Name: RevokeType})
	w.RegisterWorkflowWithOptions(PublishCRLs, workflow.RegisterOptions{Name: PublishCRLsType})
	w.RegisterWorkflowWithOptions(CertifyResponder, workflow.RegisterOptions{Name: CertifyResponderType})
	w.RegisterWorkflowWithOptions(TakeUpRevocations, workflow.RegisterOptions{Name: TakeUpRevocationsType})
	w.RegisterWorkflowWithOptions(RemindExpiry, workflow.RegisterOptions{Name: RemindExpiryType})
	w.RegisterWorkflowWithOptions(Reconcile, workflow.RegisterOptions{Name: ReconcileType})
	for _, set := range []any{a.Accepting, a.Domain, a.Commands, a.Closing, a.Mailing, a.Revoking, a.Reminding, a.Reconciling, a.Overseeing} {
		w.RegisterActivity(set)
	}
}

// RegisterOutbound puts the activities that wait for other people's servers on a worker of OutboundQueue.
func RegisterOutbound(w worker.Registry, a Activities) {
	w.RegisterActivity(a.Domain)
	w.RegisterActivity(a.Mailing)
}

// Signing is everything that needs the CA key.
type Signing struct {
	Issuing    *activities.Issuing    // seals what it has linted, signs what is sealed
	Publishing *activities.Publishing // signs revocation lists
	Responders *activities.Responders // certifies OCSP signers
}

// RegisterSigning puts the activities that need the CA key on a worker of SigningQueue.
func RegisterSigning(w worker.Registry, s Signing) {
	for _, set := range []any{s.Issuing, s.Publishing, s.Responders} {
		w.RegisterActivity(set)
	}
}

// RegisterIssuer puts what only the key of one issuing CA can sign on a worker of its IssuerQueue.
func RegisterIssuer(w worker.Registry, s Signing) {
	w.RegisterActivity(s.Publishing)
	w.RegisterActivity(s.Responders)
}
