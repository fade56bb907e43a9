// Command starter is how people and programs hand in orders, follow them, validate them, and run the authority: one command per
// file, each documented by its own --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := newProgram(os.Stdin, os.Stdout, os.Stderr, os.Getenv, time.Now)
	p.open = p.openDesk
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
