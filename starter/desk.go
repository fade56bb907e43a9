package main

import (
	"context"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// opened is the desk with how to leave it.
type opened struct {
	*app.Desk
	leave func()
}

// openDesk opens the desk that the settings name. Nothing is dialled before it is needed.
func (p *program) openDesk(ctx context.Context) (opened, error) {
	cfg, err := load[config.Common](p)
	if err != nil {
		return opened{}, err
	}
	desk, err := app.OpenDesk(ctx, cfg, p.logger())
	if err != nil {
		return opened{}, err
	}
	return opened{Desk: desk, leave: desk.Close}, nil
}

// load reads the settings T from the settings file and the environment. What is missing is the caller's to set, and named.
func load[T any](p *program) (T, error) {
	if err := p.loadSettings(); err != nil {
		return *new(T), err
	}
	cfg, err := config.Load[T]()
	if err != nil {
		err = &fault.Error{Kind: fault.Invalid, Code: "settings", Cause: err,
			Text:   fault.Text{JA: "設定が不足しているか、正しくありません。", EN: "Settings are missing or wrong."},
			Fields: []fault.Field{{Path: "environment", Code: "settings", Rule: fault.Text{JA: err.Error(), EN: err.Error()}}}}
	}
	return cfg, err
}

// atDesk opens the desk, lets do work at it, and leaves it.
func (p *program) atDesk(ctx context.Context, do func(*app.Desk) error) error {
	d, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer d.leave()
	return do(d.Desk)
}

// orderNumber reads an order number as people type it.
func orderNumber(s string) (string, error) {
	number := digitsOf(s)
	if len(number) != 10 || number[0] == '0' {
		return "", wrongUsage("オーダー番号は10桁の数字です。", "An order number has 10 digits.")
	}
	return number, nil
}

// order reads an order from the record.
func (p *program) order(ctx context.Context, arg string) (order.Status, error) {
	number, err := orderNumber(arg)
	if err != nil {
		return order.Status{}, err
	}
	var s order.Status
	err = p.atDesk(ctx, func(d *app.Desk) error {
		s, err = d.Records.Order(ctx, number)
		return err
	})
	return s, err
}
