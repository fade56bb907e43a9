package main

import "github.com/spf13/cobra"

// addCommands is the table of contents of the program.
func (p *program) addCommands(root *cobra.Command) {
	root.AddCommand(
		p.template(), p.csr(), p.p12(), p.submit(), p.reissue(), p.status(), p.check(),
		p.list(), p.phone(), p.correct(), p.inquire(), p.answer(), p.resend(), p.mail(), p.method(), p.review(), p.reject(), p.cancel(), p.download(), p.revoke(),
		p.serve(), p.dev(), p.demo(), p.migrate(), p.audit(), p.version(),
		p.voucher(), p.authority(),
	)
}
