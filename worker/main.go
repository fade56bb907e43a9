// Command worker runs orders: it polls Temporal for workflows and activities, and signs where it holds the CA key. Its settings
// are in the environment (docs/operations.md).
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", fault.Detail(err))
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.Load[config.Worker]()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	w := app.Worker{Config: cfg, Logger: logger}
	return w.Run(ctx)
}
