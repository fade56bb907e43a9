package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/activities"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// message is what arrives at the Temporal server under a command's name: nil is no input at all.
type message *commonpb.Payloads

func payload(encoding string, data []byte) message {
	return &commonpb.Payloads{Payloads: []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: data}}}
}

func text(body string) message { return payload("json/plain", []byte(body)) }

// malformed lists what no command may be read from (temporal.md section 2): good is a body that would be taken.
func malformed(good string) map[string]message {
	return map[string]message{
		"no input":                     nil,
		"no payload":                   &commonpb.Payloads{},
		"an empty payload":             {Payloads: []*commonpb.Payload{{}}},
		"nothing but an encoding":      text(""),
		"null":                         text("null"),
		"null, as the SDK writes nil":  payload("binary/null", nil),
		"a string":                     text(`"yes"`),
		"a number":                     text("7"),
		"an array":                     text("[]"),
		"an object without a field":    text("{}"),
		"a misspelt field":             text(strings.Replace(good, `"actor"`, `"acter"`, 1)),
		"a field in other case":        text(strings.Replace(good, `"actor"`, `"Actor"`, 1)),
		"a field too many":             text(strings.Replace(good, "{", `{"stepp":"typo",`, 1)),
		"a field twice":                text(strings.Replace(good, "{", `{"actor":"staff/ops",`, 1)),
		"a number for a text":          text(strings.Replace(good, `"actor":"staff/test"`, `"actor":7`, 1)),
		"an actor that cannot be":      text(strings.Replace(good, "staff/test", "root; drop table", 1)),
		"JSON that ends too early":     text(good[:len(good)-1]),
		"two messages":                 text(good + good),
		"a byte order mark":            text("\ufeff" + good),
		"no UTF-8":                     text(strings.Replace(good, "staff/test", "staff/\xff\xfe", 1)),
		"far too long":                 text(strings.Replace(good, "staff/test", strings.Repeat("a", 20<<10), 1)),
		"bytes":                        payload("binary/plain", []byte{0, 1, 2, 0xff}),
		"the message called bytes":     payload("binary/plain", []byte(good)),
		"the message called protobuf":  payload("json/protobuf", []byte(good)),
		"encrypted by nobody we know":  payload("binary/encrypted", []byte(good)),
		"the message without encoding": {Payloads: []*commonpb.Payload{{Data: []byte(good)}}},
	}
}

// wrongValues are bodies whose form is right and whose value is none, for the commands that choose between values.
var wrongValues = map[order.CommandName][]string{
	order.CmdPhoneNumberVerified:   {`{"actor":"staff/test","number":"+81312345600","source":"rumour","reference":"r"}`, `{"actor":"staff/test","number":"none","source":"government","reference":"r"}`},
	order.CmdRepresentativeReached: {`{"actor":"staff/test","how":"shouted"}`, `{"actor":"staff/test","how":""}`},
	order.CmdDomainMethodChanged:   {`{"actor":"applicant","method":"dns"}`, `{"actor":"applicant","method":"DNS-TXT"}`},
	order.CmdDomainApproved:        {`{"actor":"domain-owner","link":"7f0c2f1e-5d5e-4a43-9d0c-0c6a1f1f2b11","approved":"yes"}`, `{"actor":"domain-owner","link":"?","approved":true}`},
	order.CmdReviewDecided:         {`{"actor":"staff/test","approved":1}`},
}

// goodBodies is a well-formed body for each command; whether it fits the order's state is not asked here.
func goodBodies(t *testing.T) map[order.CommandName]string {
	t.Helper()
	yes := true
	bodies := map[order.CommandName]string{}
	for _, c := range append(phoneSteps(),
		order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "register"}, order.InquiryOpened{Actor: staff, Question: "Which?"},
		order.InquiryAnswered{Actor: staff, Answer: "This."}, order.ReviewDecided{Actor: staff, Approved: &yes},
		order.OrderRejected{Actor: staff, Reason: "no"}, order.OrderCancelled{Actor: staff, Reason: "no"},
		order.DomainApproved{Actor: staff, Link: uuid.NewString(), Approved: &yes}, order.DomainCheckNow{Actor: staff},
		order.DomainMethodChanged{Actor: staff, Method: order.DCVFile}, order.ChallengeResent{Actor: staff},
		order.ReuseConfirmed{Actor: staff, Link: uuid.NewString(), Approved: &yes},
	) {
		b, err := json.Marshal(c)
		require.NoError(t, err)
		bodies[c.Name()] = string(b)
	}
	return bodies
}

func TestEveryMalformedMessageIsRefusedVisiblyAndTheOrderGoesOn(t *testing.T) {
	t.Parallel()
	bodies := goodBodies(t)
	for _, name := range order.CommandNames {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			w := common.enter(t)
			number := w.order(order.DCVTXT)
			messages := malformed(bodies[name])
			for _, body := range wrongValues[name] {
				messages[body] = text(body)
			}
			for what, m := range messages {
				w.sendSignal(number, string(name), m)
				f := w.sendUpdate(number, string(name), m)
				require.Equalf(t, fault.Invalid, f.Kind, "%s: %v", what, f)
				require.NotEmpty(t, f.Text.JA, what)
			}
			st := w.await(number, "every signal's refusal", func(st order.Status) bool { return st.Refusals >= len(messages) })
			require.Equal(t, len(messages), st.Refusals)
			require.Equal(t, len(messages), done(st, "message-refused"), "each is in the audit trail")
			require.Contains(t, w.details(number), "refused: "+string(name), "the Temporal UI shows it")
			require.Equal(t, order.DomainValidation, st.State, "nothing was taken")
			require.Zero(t, done(st, string(name)))
			w.complete(number)
		})
	}
}

// sendSignal sends raw bytes as a Signal, past every library that would make sense of them.
func (w *world) sendSignal(number, name string, m message) {
	w.t.Helper()
	_, err := w.temporal.WorkflowService().SignalWorkflowExecution(w.ctx, &workflowservice.SignalWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflows.OrderID(number)},
		SignalName: name, Input: m, RequestId: uuid.NewString(),
	})
	require.NoError(w.t, err)
}

// sendUpdate sends raw bytes as an Update and returns the fault by which it is refused.
func (w *world) sendUpdate(number, name string, m message) *fault.Error {
	w.t.Helper()
	res, err := w.temporal.WorkflowService().UpdateWorkflowExecution(w.ctx, &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflows.OrderID(number)},
		WaitPolicy: &updatepb.WaitPolicy{LifecycleStage: enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED},
		Request:    &updatepb.Request{Meta: &updatepb.Meta{UpdateId: uuid.NewString()}, Input: &updatepb.Input{Name: name, Args: m}},
	})
	require.NoError(w.t, err)
	require.NotNil(w.t, res.GetOutcome().GetFailure(), "it was taken")
	return fault.Public(activities.FromTemporal(temporal.GetDefaultFailureConverter().FailureToError(res.GetOutcome().GetFailure())))
}

func TestASignalThatBearsNoCommandsNameIsRefusedVisibly(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	names := []string{"representative-confirm", "phone-number-verified ", "Order-Cancelled", "submit", strings.Repeat("長", 300)}
	for _, name := range names {
		w.sendSignal(number, name, text(`{"actor":"staff/test"}`))
	}
	st := w.await(number, "the refusals", func(st order.Status) bool { return st.Refusals >= len(names) })
	require.Equal(t, len(names), done(st, "message-refused"))
	require.Contains(t, w.details(number), "command.unknown")
	f := w.sendUpdate(number, "representative-confirm", text(`{"actor":"staff/test"}`))
	require.NotEmpty(t, f.Text.EN, "Temporal itself refuses an unknown update")
	w.complete(number)
}

func TestPhoneSignalsCountOnceInAnyOrderHoweverEarlyAndHoweverOften(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.submit(w.application(order.DCVTXT))
	for range 3 { // the domain's challenge may not even be out
		w.signal(number, confirmed)
		w.signal(number, numberVerified)
		w.signal(number, confirmed)
		w.signal(number, reached)
	}
	w.challenged(number)
	w.await(number, "all three steps", func(st order.Status) bool { return st.Phone.Done() })
	w.prove(number)
	w.issuedOnce(number)
	w.closed(number)
	st := w.status(number)
	for _, c := range phoneSteps() {
		require.Equal(t, 1, done(st, string(c.Name())), c.Name())
	}
	require.Zero(t, st.Refusals)
}

func TestASignalToAnOrderThatHasEndedIsAnErrorForItsSender(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	w.complete(number)
	before := w.status(number)
	err := w.desk.Orders.Signal(w.ctx, number, confirmed)
	require.ErrorIs(t, err, fault.New(fault.NotFound, "order.not-running", "", ""))
	require.Equal(t, "order.not-running", w.refused(number, confirmed).Code)
	require.Equal(t, before, w.status(number))
}

// lateSignals bounds the signals that a test throws at an order's last moments: fewer than a run records refusals.
const lateSignals = 20

func TestNoSignalThatTheServerTookIsLostInTheFinalTask(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	met := 0
	for try := 0; met == 0 && try < 20; try++ {
		number := w.order(order.DCVTXT)
		contact := w.status(number).Application.TechnicalContact.Email
		w.prove(number)
		w.phone(number)
		w.mail(contact, "証明書のご案内") // the last letter: what follows is the final task
		taken := 0
		for taken < lateSignals && w.desk.Orders.Signal(w.ctx, number, order.SubjectCorrected{Actor: staff, City: "Minato-ku", Reason: "late"}) == nil {
			taken++
			w.refusals(number, taken) // then the workflow tries to end again, and the next signal arrives
		}
		w.closed(number)
		st := w.status(number)
		require.Equal(t, taken, st.Refusals, "each was answered")
		require.Equal(t, "Chuo-ku", st.Subject.City)
		met += w.failedTasks(number, enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND)
	}
	t.Logf("%d final tasks were overtaken by a signal", met)
	require.Positive(t, met, "no signal came at the moment that this test is about")
}

// refusals waits until so many refusals are recorded, and looks often.
func (w *world) refusals(number string, count int) {
	w.t.Helper()
	err := proc.Await(w.ctx, time.Millisecond, func(ctx context.Context) error {
		var n int
		if err := w.sql.QueryRowContext(ctx, `SELECT refusals FROM orders WHERE number = $1`, number).Scan(&n); err != nil {
			return err
		}
		if n < count {
			return fmt.Errorf("%d of %d refusals are recorded", n, count)
		}
		return nil
	})
	require.NoError(w.t, err)
}

// failedTasks counts the workflow tasks that failed for a reason.
func (w *world) failedTasks(number string, cause enumspb.WorkflowTaskFailedCause) int {
	w.t.Helper()
	n := 0
	for _, e := range w.history(number) {
		if e.GetWorkflowTaskFailedEventAttributes().GetCause() == cause {
			n++
		}
	}
	return n
}
