package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) method() *cobra.Command {
	c := &cobra.Command{
		Use:       "method ORDER email|file|dns-txt|dns-cname",
		GroupID:   groupStaff,
		Short:     "ドメイン認証方式を変更 / Change the validation method",
		Long:      "認証方式を変更し、新しい案内を送ります。以前の値は無効になります。\nChanges the method and sends new information; the value before is no longer valid.",
		Example:   "  starter method 1234567890 dns-txt",
		Args:      cobra.ExactArgs(2),
		ValidArgs: []string{string(order.DCVEmail), string(order.DCVFile), string(order.DCVTXT), string(order.DCVCNAME)},
	}
	return p.act(c, func(a order.Actor, args []string) (order.Command, error) {
		return order.DomainMethodChanged{Actor: a, Method: order.DCVMethod(args[0])}, nil
	})
}
