package main

import "github.com/spf13/cobra"

func (p *program) authority() *cobra.Command {
	c := &cobra.Command{
		Use:     "ca",
		GroupID: groupAuthority,
		Short:   "認証局の作成と表示 / Make and show the certification authority",
	}
	c.AddCommand(p.caInit(), p.caRollover(), p.caPublish(), p.caShow(), p.caLog())
	return c
}
