package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/fault"
)

// Exit codes, an API for scripts.
const (
	exitDone        = 0
	exitInternal    = 1
	exitInput       = 2
	exitRefused     = 3
	exitUnavailable = 4
	exitInterrupted = 130 // as shells report SIGINT
)

func exitCode(err error) int {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return exitDone
	case !ok:
		return exitInternal
	}
	switch f.Kind {
	case fault.Invalid:
		return exitInput
	case fault.NotFound, fault.Conflict, fault.Forbidden:
		return exitRefused
	case fault.TooMany, fault.Unavailable:
		return exitUnavailable
	case fault.Internal:
		return exitInternal
	default:
		return exitInternal
	}
}

// wrongUsage is the fault for a command line that cannot be carried out.
func wrongUsage(ja, en string) error { return fault.New(fault.Invalid, "usage", ja, en) }

// report tells how a command ended and returns its exit code.
func (p *program) report(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && fault.KindOf(err) == fault.Internal:
		return exitInterrupted
	}
	if !p.running && fault.KindOf(err) == fault.Internal { // what cobra says of the command line
		err = misunderstood(err)
	}
	if !p.json || p.reportJSON(err) != nil {
		p.reportText(err)
	}
	return exitCode(err)
}

// unknownCommand is how cobra says that there is no such command, with what it would suggest.
var unknownCommand = regexp.MustCompile(`(?s)^unknown command "(.*)" for "[^"]*"(?:\n\nDid you mean this\?\n(.*))?$`)

// misunderstood is the fault for what cobra says of the command line.
func misunderstood(err error) error {
	m := unknownCommand.FindStringSubmatch(strings.TrimSpace(err.Error()))
	if m == nil {
		return wrongUsage("コマンドの指定が正しくありません: "+err.Error()+" (--help で説明を表示)", "The command line is wrong: "+err.Error()+" (--help explains it)")
	}
	ja, en := fmt.Sprintf("「%s」というコマンドはありません", m[1]), fmt.Sprintf("There is no command %q", m[1])
	if near := strings.Join(strings.Fields(m[2]), ", "); near != "" {
		return wrongUsage(ja+"。もしかして: "+near, en+". Did you mean: "+near)
	}
	return wrongUsage(ja+" (--help で一覧を表示)。", en+" (--help lists them).")
}

// refusal is what programs read on standard error.
type refusal struct {
	Error fault.Error `json:"error"`
}

func (p *program) reportJSON(err error) error {
	e := json.NewEncoder(p.err)
	e.SetEscapeHTML(false)
	return e.Encode(refusal{Error: *fault.Public(err)})
}

func (p *program) reportText(err error) {
	label := p.err.Red(p.say("エラー", "Error") + ":")
	f, ok := errors.AsType[*fault.Error](err)
	if !ok { // of this machine: a file, a setting, a broken pipe
		p.err.Println(label, plainLines(err.Error()))
		return
	}
	for i, line := range p.lang.Lines(f.Text) {
		if i == 0 {
			p.err.Println(label, plainLines(line), p.err.Dim("("+f.Code+")"))
			continue
		}
		p.err.Println("  " + plainLines(line))
	}
	for _, field := range f.Fields {
		p.err.Println("  " + p.err.Bold(p.place(field.Path)))
		p.paragraph("    ", field.Rule)
		p.paragraph("    -> ", field.Remedy)
	}
	p.paragraph("  -> ", remedies[f.Code])
	if p.verbose && f.Cause != nil {
		p.err.Println(p.err.Dim("  " + p.say("原因", "cause") + ": " + cli.Plain(f.Cause.Error())))
	}
}

// paragraph prints a text to standard error, a line for each language.
func (p *program) paragraph(indent string, t fault.Text) {
	for _, line := range p.lang.Lines(t) {
		p.err.Println(indent + strings.ReplaceAll(plainLines(line), "\n", "\n"+indent))
	}
}

// place is a field with its line in the order file, where there is one.
func (p *program) place(path string) string {
	if line := p.lines[path]; line > 0 {
		return fmt.Sprintf("%s (%s)", cli.Plain(path), p.say(fmt.Sprintf("%d行目", line), fmt.Sprintf("line %d", line)))
	}
	return cli.Plain(path)
}

// plainLines is cli.Plain line by line: settings errors and usage have several.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = cli.Plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// remedies say what to do on the command line about refusals whose text is written for every door.
var remedies = map[string]fault.Text{
	"order.not-running": {
		JA: "現在の状態は「starter status 番号」で確認できます。", EN: "See \"starter status NUMBER\" for where the order stands."},
	"order.unknown": {
		JA: "番号は「starter list」で確認できます。", EN: "\"starter list\" shows the numbers."},
	"voucher.unknown": {
		JA: "お手元の番号と照らし合わせ、違いがなければ販売元にお問い合わせください。", EN: "Compare it with your voucher; if it is the same, ask the seller."},
	"record.unavailable": {
		JA: "SMID_DATABASE_URL の接続先が動作しているか確認してください (--verbose で原因を表示)。", EN: "Check that the server of SMID_DATABASE_URL runs (--verbose shows the cause)."},
	"engine.unavailable": {
		JA: "Temporalとワーカーが動作しているか確認してください。同じ操作は繰り返しても二重になりません。", EN: "Check that Temporal and a worker run. Repeating the same does nothing twice."},
}
