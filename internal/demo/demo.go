// Package demo carries four orders, one per validation method, from the form to a certificate that signs and encrypts mail, by the
// means that people use: the starter's commands, the received mails, DNS and web host, the approval page, signals from the Temporal
// CLI, the download page, and OpenSSL as an independent judge.
package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"securemailid.example/internal/app"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Demo is one run against a running stack.
type Demo struct {
	Stack    *devstack.Stack
	Desk     *app.Desk
	Starter  string // path of the starter's executable
	Temporal string // path of the Temporal CLI
	Dir      string // below it each order leaves a folder named by its number
	Say      func(done int, method order.DCVMethod, stage fault.Text)
	Keep     func(Result) // shows what came of one order
}

// patience bounds each wait for a state. On a busy machine the whole demo takes a small part of it.
const patience = 2 * time.Minute

// Run carries the orders, one after the other. Its error says which stage of which order is not true.
func (d *Demo) Run(ctx context.Context) error {
	done := 0
	for i, method := range order.DCVMethods {
		c := &carried{Demo: d, method: method, domain: fmt.Sprintf("demo%d.example.co.jp", i+1)}
		var err error
		if c.work, err = os.MkdirTemp(d.Dir, ".order-"); err != nil {
			return err
		}
		for _, stage := range stages {
			d.Say(done, method, stage.name)
			stageCtx, cancel := context.WithTimeout(ctx, patience)
			err := stage.do(c, stageCtx)
			cancel()
			if err != nil {
				return fmt.Errorf("order %s by %s, %s / %s: %w", c.number, method, stage.name.JA, stage.name.EN, err)
			}
			done++
		}
		if err := d.keep(c); err != nil {
			return err
		}
	}
	return nil
}

// Stages is how many stages a run has in all.
func Stages() int { return len(order.DCVMethods) * len(stages) }

// Result is what came of one order.
type Result struct {
	Method         order.DCVMethod
	Number, Serial string
	Events         int    // of the workflow's history
	Dir            string // with its certificate, key, mails and history
}

// keep names the order's folder by its number and says what lies there.
func (d *Demo) keep(c *carried) error {
	final := filepath.Join(d.Dir, c.number)
	if err := os.Rename(c.work, final); err != nil {
		return err
	}
	d.Keep(Result{Method: c.method, Number: c.number, Serial: c.serial, Events: c.events, Dir: final})
	return nil
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
	name fault.Text
	do   func(*carried, context.Context) error
}{
	{fault.Text{JA: "バウチャーの購入", EN: "a voucher is bought"}, (*carried).writeOrder},
	{fault.Text{JA: "鍵とCSRの作成", EN: "key and CSR are made"}, (*carried).makeKey},
	{fault.Text{JA: "申請", EN: "the application is handed in"}, (*carried).submit},
	{fault.Text{JA: "受付メール", EN: "the receipt arrives"}, (*carried).receipt},
	{fault.Text{JA: "ドメインの認証", EN: "control of the domain is proved"}, (*carried).proveDomain},
	{fault.Text{JA: "電話認証 (シグナル)", EN: "the phone steps are signalled"}, (*carried).phone},
	{fault.Text{JA: "発行通知", EN: "the issue notices arrive"}, (*carried).issued},
	{fault.Text{JA: "ダウンロード", EN: "the certificate is downloaded"}, (*carried).download},
	{fault.Text{JA: "OpenSSLによる検証", EN: "OpenSSL checks chain, signature and encryption"}, (*carried).verify},
	{fault.Text{JA: "記録の保存", EN: "history and mails are kept"}, (*carried).archive},
}

func (c *carried) path(name string) string { return filepath.Join(c.work, name) }

func (c *carried) email() string { return "info@" + c.domain }

func (c *carried) contact() string { return "tech@" + c.domain }
