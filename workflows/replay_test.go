package workflows

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

// The golden histories are what real servers kept of orders on every path of a released workflow; "make histories" makes them
// anew. Those named doctored are of an old workflow whose activities were those of a later program. A later workflow that cannot be replayed over them would wedge the orders under way at its deployment.

// goldenHistories returns every golden history by its name.
func goldenHistories(t *testing.T) map[string]*historypb.History {
	t.Helper()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files, "no golden histories: make histories")
	all := map[string]*historypb.History{}
	for _, file := range files {
		all[filepath.Base(file)] = readHistory(t, file)
	}
	return all
}

func readHistory(t *testing.T, file string) *historypb.History {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	h, err := client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{})
	require.NoError(t, err)
	return h
}

// replay runs the workflow of today over what happened then, with the data converter of the engine.
func replay(t *testing.T, h *historypb.History) error {
	t.Helper()
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: converter.GetDefaultDataConverter()})
	require.NoError(t, err)
	r.RegisterWorkflowWithOptions(Order, workflow.RegisterOptions{Name: OrderType})
	r.RegisterWorkflowWithOptions(Post, workflow.RegisterOptions{Name: PostType})
	r.RegisterWorkflowWithOptions(Revoke, workflow.RegisterOptions{Name: RevokeType})
	r.RegisterWorkflowWithOptions(PublishCRLs, workflow.RegisterOptions{Name: PublishCRLsType})
	r.RegisterWorkflowWithOptions(RemindExpiry, workflow.RegisterOptions{Name: RemindExpiryType})
	r.RegisterWorkflowWithOptions(Reconcile, workflow.RegisterOptions{Name: ReconcileType})
	return r.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), h)
}

func TestGoldenHistoriesReplay(t *testing.T) {
	t.Parallel()
	for name, h := range goldenHistories(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, h))
			last := h.GetEvents()[len(h.GetEvents())-1]
			require.NotNil(t, last.GetWorkflowExecutionCompletedEventAttributes(), "the history of a workflow that has ended")
		})
	}
}

func TestReplayNoticesAnotherOrderOfSteps(t *testing.T) {
	t.Parallel()
	h := readHistory(t, "testdata/histories/issued-dns-txt.json")
	for _, e := range h.GetEvents() {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == "PrepareCertificate" {
			a.ActivityType.Name = "SignCertificate"
		}
	}
	require.ErrorContains(t, replay(t, h), "nondeterministic")
}

// TestGoldenHistoriesHoldNoPersonalData looks for what the recipe's application form says of people and their organisation, as it
// stands and as it is normalised.
func TestGoldenHistoriesHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	form := []string{
		"info@", "representative@", "tech@", "admin@", "BEGIN CERTIFICATE", "Sample Trading", "サンプル商事", "Test Services", "1-2-3 Sample",
		"104-0061", "03-1234-567", "+8131234567",
		"申請", "Shinsei", "Sekinin", "Gijutsu", "Tantou",
	}
	for name, h := range goldenHistories(t) {
		for _, e := range h.GetEvents() {
			raw, err := proto.Marshal(e) // payloads lie in it as they are
			require.NoError(t, err)
			for _, personal := range form {
				require.NotContainsf(t, string(raw), personal, "%s, event %d", name, e.GetEventId())
			}
		}
	}
}
