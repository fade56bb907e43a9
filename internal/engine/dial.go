// Package engine is the connection to Temporal: dialling, search attributes, and the Orders façade by which portal and commands
// reach the workflows.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"securemailid.example/workflows"
)

// Dial connects to the server that Temporal's own environment variables and profile name (TEMPORAL_ADDRESS,
// TEMPORAL_NAMESPACE, TEMPORAL_TLS_…). hostPort, if set, wins over them.
func Dial(ctx context.Context, hostPort string, logger *slog.Logger) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("temporal settings: %w", err)
	}
	if hostPort != "" {
		options.HostPort = hostPort
	}
	options.Logger = log.NewStructuredLogger(logger)
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return c, nil
}

// Namespace is the namespace that Temporal's own settings name.
func Namespace() string {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil || options.Namespace == "" {
		return client.DefaultNamespace
	}
	return options.Namespace
}

// EnsureSearchAttributes registers the search attributes of orders and waits until the server knows them, at most a minute. Calling it
// again is harmless.
func EnsureSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	want := map[string]enumspb.IndexedValueType{
		workflows.OrderState.GetName():   enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.WaitingOn.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.WaitingSince.GetName(): enumspb.INDEXED_VALUE_TYPE_DATETIME,
		workflows.DeadlineAt.GetName():   enumspb.INDEXED_VALUE_TYPE_DATETIME,
		workflows.NeedsStaff.GetName():   enumspb.INDEXED_VALUE_TYPE_BOOL,
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		if err == nil {
			for name := range known.GetCustomAttributes() {
				delete(want, name)
			}
			if len(want) == 0 {
				return nil
			}
			_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: want})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("register search attributes: %w (last answer: %w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}
