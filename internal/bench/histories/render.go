package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
)

// render writes a history as JSON as the Temporal CLI does, with one event to a line, and without the names of machines by which clients,
// workers and sticky queues are called; replay does not look at them.
func render(h *historypb.History) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{\"events\":[\n")
	for i, e := range h.GetEvents() {
		raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(e)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var event map[string]any
		if err := d.Decode(&event); err != nil {
			return nil, err
		}
		forgetMachines(event)
		line, err := json.Marshal(event)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", e.GetEventId(), err)
		}
		if i > 0 {
			out.WriteString(",\n")
		}
		out.Write(line)
	}
	out.WriteString("\n]}\n")
	return out.Bytes(), nil
}

// forgetMachines removes identities and replaces the names of sticky queues, wherever they stand.
func forgetMachines(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "identity")
		if v["kind"] == "TASK_QUEUE_KIND_STICKY" {
			v["name"] = "sticky"
		}
		for _, each := range v {
			forgetMachines(each)
		}
	case []any:
		for _, each := range v {
			forgetMachines(each)
		}
	}
}
