package main

import (
	"context"

	"github.com/spf13/cobra"

	"securemailid.example/internal/config"
	"securemailid.example/internal/store"
)

func (p *program) migrate() *cobra.Command {
	return &cobra.Command{
		Use:     "migrate",
		GroupID: groupOperator,
		Short:   "データベースの構造を更新 / Bring the database schema up to date",
		Long: `SMID_DATABASE_URL のデータベースを、このプログラムの版に合わせます。繰り返し実行できます。
Brings the database of SMID_DATABASE_URL to this program's version. Running it again does nothing.`,
		Example: "  starter migrate",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.migrateRecord(cmd.Context()) },
	}
}

func (p *program) migrateRecord(ctx context.Context) error {
	cfg, err := load[config.Database](p)
	if err != nil {
		return err
	}
	records, err := store.Open(ctx, cfg.URL)
	if err != nil {
		return err
	}
	defer func() { _ = records.Disconnect() }()
	if err := records.Migrate(ctx); err != nil {
		return err
	}
	p.out.Println(p.say("データベースは最新です。", "The database is up to date."))
	return nil
}
