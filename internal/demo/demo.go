// Package demo carries four orders, one per validation method, from the form to a certificate that signs and encrypts mail, by the
// means that people use: the starter's commands, the received mails, DNS and web host, the approval page, signals from the Temporal
// CLI, the download page, and OpenSSL as an independent judge.
package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"securemailid.example/internal/app"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/order"
)

// Demo is one run against a running stack.
type Demo struct {
	Stack    *devstack.Stack
	Desk     *app.Desk
	Starter  string // path of the starter's executable
	Temporal string // path of the Temporal CLI
	Dir      string // below it each order leaves a folder named by its number
	Say      func(done, total int, text string)
	Out      io.Writer // what stays on the screen
}

// patience bounds each wait for a state. On a busy machine the whole demo takes a small part of it.
const patience = 2 * time.Minute

// Run carries the orders, one after the other. Its error says which stage of which order is not true.
func (d *Demo) Run(ctx context.Context) error {
	done, total := 0, Stages()
	for i, method := range order.DCVMethods {
		c := &carried{Demo: d, method: method, domain: fmt.Sprintf("demo%d.example.co.jp", i+1)}
		var err error
		if c.work, err = os.MkdirTemp(d.Dir, ".order-"); err != nil {
			return err
		}
		for _, stage := range stages {
			d.Say(done, total, fmt.Sprintf("[%s] %s", method, stage.name))
			stageCtx, cancel := context.WithTimeout(ctx, patience)
			err := stage.do(c, stageCtx)
			cancel()
			if err != nil {
				return fmt.Errorf("order by %s, %s: %w", method, stage.name, err)
			}
			done++
		}
		if err := d.keep(c); err != nil {
			return err
		}
	}
	d.Say(total, total, "")
	return nil
}

// Stages is how many stages a run has in all.
func Stages() int { return len(order.DCVMethods) * len(stages) }

// keep names the order's folder by its number and says what lies there.
func (d *Demo) keep(c *carried) error {
	final := filepath.Join(d.Dir, c.number)
	if err := os.Rename(c.work, final); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.Out, "✔ %-9s オーダー / order %s  serial %s  %d events  %s\n", c.method, c.number, c.serial, c.events, final)
	return err
}

// carried is one order on its way.
type carried struct {
	*Demo
	method order.DCVMethod
	domain string
	work   string // folder, until it is named by the number
	number string
	serial string
	events int
}

// stages is the guide's course (G1), as its people see it.
var stages = []struct {
	name string
	do   func(*carried, context.Context) error
}{
	{"バウチャーの購入 / a voucher is bought", (*carried).writeOrder},
	{"鍵とCSRの作成 / key and CSR are made", (*carried).makeKey},
	{"申請 / the application is handed in", (*carried).submit},
	{"受付メール / the receipt arrives", (*carried).receipt},
	{"ドメインの認証 / control of the domain is proved", (*carried).proveDomain},
	{"電話認証 (シグナル) / the phone steps are signalled", (*carried).phone},
	{"発行通知 / the issue notices arrive", (*carried).issued},
	{"ダウンロード / the certificate is downloaded", (*carried).download},
	{"OpenSSLによる検証 / OpenSSL checks chain, signature and encryption", (*carried).verify},
	{"記録の保存 / history and mails are kept", (*carried).archive},
}

func (c *carried) path(name string) string { return filepath.Join(c.work, name) }

func (c *carried) email() string { return "info@" + c.domain }

func (c *carried) contact() string { return "tech@" + c.domain }
