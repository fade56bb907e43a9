package main

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	commonpb "go.temporal.io/api/common/v1"

	"securemailid.example/activities"
	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// path walks one workflow to its end and returns its id.
type path func(ctx context.Context, s *stand.Stand) (id string, err error)

// paths are all that a workflow can go within minutes. What takes days (reminders, an aged random value, expiry) is shown in virtual
// time by workflows/order_test.go.
func paths() map[string]path {
	all := schedules()
	all["post"] = posted
	all["revoked"], all["report-confirmed"], all["report-declined"] = revoked, reportConfirmed, reportDeclined
	all["report-escalated"] = reportEscalated
	for name, carry := range orders() {
		all[name] = func(ctx context.Context, s *stand.Stand) (string, error) {
			number, err := carry(ctx, s)
			return workflows.OrderID(number), err
		}
	}
	return all
}

// carrier carries one order to its end and returns its number.
type carrier func(ctx context.Context, s *stand.Stand) (number string, err error)

func orders() map[string]carrier {
	all := map[string]carrier{
		"method-changed":        methodChanged,
		"challenge-resent":      challengeResent,
		"checked-by-hand":       checkedByHand,
		"phoned-before-proof":   phonedBeforeProof,
		"denied-by-owner":       deniedByOwner,
		"rejected":              rejected,
		"cancelled":             cancelled,
		"cancelled-by-operator": cancelledByOperator,
		"inquiry":               inquiry,
		"subject-corrected":     subjectCorrected,
		"malformed-signals":     malformedSignals,
		"voucher-refused":       voucherRefused,
		"blocked-by-caa":        blockedByCAA,
		"continued":             continued,
		"reissued":              reissued,
		"reissue-refused":       reissueRefused,
		"reissue-chosen":        reissueChosen,
		"reissue-compromise":    reissueCompromise,
		"reuse-confirmed":       reuseConfirmed,
		"reuse-denied":          reuseDenied,
		"reuse-phoned":          reusePhoned,
		"reuse-ended":           reuseEnded,
	}
	for _, m := range order.DCVMethods {
		all["issued-"+string(m)] = func(ctx context.Context, s *stand.Stand) (string, error) { return s.Carry(ctx, m) }
	}
	return all
}

var (
	staff     = stand.Staff
	applicant = order.Actor{Actor: "applicant"}
)

// story starts an order by TXT record, lets then happen to it what is told, and waits for its end.
func story(ctx context.Context, s *stand.Stand, happens ...func(number string) error) (string, error) {
	return storyBy(ctx, s, order.DCVTXT, happens...)
}

func storyBy(ctx context.Context, s *stand.Stand, m order.DCVMethod, happens ...func(number string) error) (string, error) {
	st, err := s.Start(ctx, m)
	if err != nil {
		return "", err
	}
	for _, step := range happens {
		if err := s.AwaitQuiet(ctx, st.Number); err != nil {
			return "", err
		}
		if err := step(st.Number); err != nil {
			return "", err
		}
	}
	return st.Number, s.AwaitEnd(ctx, st.Number)
}

// finish, updated and signalled are steps of a story.
func finish(ctx context.Context, s *stand.Stand) func(string) error {
	return func(number string) error { return s.Finish(ctx, number) }
}

func updated(ctx context.Context, s *stand.Stand, c order.Command) func(string) error {
	return func(number string) error { return s.Command(ctx, number, c) }
}

func signalled(ctx context.Context, s *stand.Stand, c order.Command) func(string) error {
	return func(number string) error { return s.Signal(ctx, number, c) }
}

func methodChanged(ctx context.Context, s *stand.Stand) (string, error) {
	return storyBy(ctx, s, order.DCVEmail, updated(ctx, s, order.DomainMethodChanged{Actor: applicant, Method: order.DCVCNAME}), finish(ctx, s))
}

func challengeResent(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, updated(ctx, s, order.ChallengeResent{Actor: applicant}), finish(ctx, s))
}

// checkedByHand looks once in vain and, after the shortest interval between two looks by hand, finds the value by polling.
func checkedByHand(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, updated(ctx, s, order.DomainCheckNow{Actor: applicant}), finish(ctx, s))
}

func phonedBeforeProof(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s,
		func(number string) error { return s.Phone(ctx, number) },
		func(number string) error { return s.Prove(ctx, number) })
}

func deniedByOwner(ctx context.Context, s *stand.Stand) (string, error) {
	return storyBy(ctx, s, order.DCVEmail, func(number string) error { return s.Decide(ctx, number, false) })
}

func rejected(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, signalled(ctx, s, order.OrderRejected{Actor: staff, Reason: "the register does not know the organisation"}))
}

func cancelled(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, updated(ctx, s, order.OrderCancelled{Actor: applicant, Reason: "no longer needed"}))
}

func cancelledByOperator(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, func(number string) error { return s.Temporal.CancelWorkflow(ctx, workflows.OrderID(number), "") })
}

func inquiry(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s,
		updated(ctx, s, order.InquiryOpened{Actor: staff, Question: "Which department will use the certificate?"}),
		func(number string) error { return s.Prove(ctx, number) },
		func(number string) error { return s.AwaitState(ctx, number, order.OrganizationValidation) },
		func(number string) error { return s.Phone(ctx, number) },
		signalled(ctx, s, order.InquiryAnswered{Actor: applicant, Answer: "The first one."}))
}

func subjectCorrected(ctx context.Context, s *stand.Stand) (string, error) {
	return story(ctx, s, updated(ctx, s, order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "register"}), finish(ctx, s))
}

// malformedSignals sends everything that a signal typed by hand can be, each to another command.
func malformedSignals(ctx context.Context, s *stand.Stand) (string, error) {
	bodies := []string{`null`, `{}`, `"yes"`, `7`, `[]`, `{"stepp":"typo"}`, `{"actor":7}`, `{"actor":"staff/bench","how":"shouted"}`, `{`}
	return story(ctx, s,
		func(number string) error {
			for i, body := range bodies {
				payload := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(body)}
				name := string(order.CommandNames[i%3])
				if err := s.Temporal.SignalWorkflow(ctx, workflows.OrderID(number), "", name, converter.NewRawValue(payload)); err != nil {
					return err
				}
			}
			return nil
		},
		finish(ctx, s))
}

// voucherRefused loses the race of two submissions for one voucher: both reserve a number, the other one is accepted first.
func voucherRefused(ctx context.Context, s *stand.Stand) (string, error) {
	as, err := s.Applications(ctx, order.DCVTXT, 1)
	if err != nil {
		return "", err
	}
	n, err := order.Validate(as[0], s.Desk.Rules.At(s.Desk.Clock()).Limits())
	if err != nil {
		return "", err
	}
	sub := order.Submission{Key: "the later one", Application: n.Application, VoucherHash: s.Desk.Vouchers.Hash(n.Voucher)}
	number, _, err := s.Desk.Records.ReserveNumber(ctx, sub)
	if err != nil {
		return "", err
	}
	if _, err := s.Desk.Submit(ctx, as[0], "the first one"); err != nil {
		return "", err
	}
	start := s.Temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: workflows.OrderID(number), TaskQueue: workflows.TaskQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.OrderType, workflows.OrderInput{Number: number})
	update, err := s.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: workflows.SubmitUpdate, UpdateName: workflows.SubmitUpdate, Args: []any{workflows.SubmitInput{}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = update.Get(ctx, nil)
	}
	if err == nil {
		return "", errors.New("one voucher was accepted twice")
	}
	return number, s.AwaitEnd(ctx, number)
}

// blockedByCAA forbids the issuance by DNS, waits until staff see it, and lets it go on with a correction.
func blockedByCAA(ctx context.Context, s *stand.Stand) (string, error) {
	st, err := s.Start(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	if err := s.Lab.SetCAA(st.Domain, `0 issuemail "other-ca.example"`); err != nil {
		return "", err
	}
	if err := s.Prove(ctx, st.Number); err != nil {
		return "", err
	}
	if err := s.AwaitState(ctx, st.Number, order.OrganizationValidation); err != nil {
		return "", err
	}
	if err := s.Phone(ctx, st.Number); err != nil {
		return "", err
	}
	if err := s.AwaitBlocked(ctx, st.Number); err != nil {
		return "", err
	}
	if err := s.Lab.Remove(st.Domain, "CAA"); err != nil {
		return "", err
	}
	if err := s.Command(ctx, st.Number, order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "register"}); err != nil {
		return "", err
	}
	return st.Number, s.AwaitEnd(ctx, st.Number)
}

// continued is the second run of an order whose first history had grown too long: it begins with what the first run left.
func continued(ctx context.Context, s *stand.Stand) (string, error) {
	st, err := s.Start(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	if err := s.AwaitQuiet(ctx, st.Number); err != nil {
		return "", err
	}
	id := workflows.OrderID(st.Number)
	if err := s.Temporal.TerminateWorkflow(ctx, id, "", "stands in for the end of the first run"); err != nil {
		return "", err
	}
	_, err = s.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue}, workflows.OrderType,
		workflows.OrderInput{Number: st.Number, Carried: &workflows.Carried{
			Plan:  activities.Plan{Type: st.Type, Method: order.DCVTXT, DeadlineAt: st.DeadlineAt},
			State: st.State,
			Challenge: activities.OpenResult{
				Challenge: st.Challenge.ID, Sequence: st.Challenge.Sequence, Method: st.Challenge.Method, ExpiresAt: st.Challenge.ExpiresAt,
			},
		}})
	if err != nil {
		return "", fmt.Errorf("second run: %w", err)
	}
	return st.Number, s.Finish(ctx, st.Number)
}

// posted is the delivery of one letter that was asked for.
func posted(ctx context.Context, s *stand.Stand) (string, error) {
	st, err := s.Start(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	id, err := s.Desk.Records.PostLetter(ctx, s.Desk.Letters.StatusLink(st), applicant.Actor, 0)
	if err != nil {
		return "", err
	}
	if err := s.Desk.Orders.Post(ctx, st.Number, id); err != nil {
		return "", err
	}
	return workflows.PostID(id), s.Temporal.GetWorkflow(ctx, workflows.PostID(id), "").Get(ctx, nil)
}
