package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
)

func (p *program) serve() *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		GroupID: groupOperator,
		Short:   "ポータルを起動 / Serve the portal",
		Long: `承認ページ、ダウンロードページ、CA証明書とCRLを提供します。Ctrl-C または SIGTERM で、処理中の要求を終えてから停止します。
Serves the approval and download pages, the CA certificates and the CRLs. Ctrl-C or SIGTERM stops it after what is under way.`,
		Example: "  SMID_PORTAL_LISTEN=:8080 starter serve",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load[config.Portal](p)
			if err != nil {
				return err
			}
			logger := slog.New(slog.NewJSONHandler(p.err, &slog.HandlerOptions{Level: cfg.LogLevel}))
			return app.RunPortal(cmd.Context(), cfg, logger)
		},
	}
}
