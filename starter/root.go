package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"securemailid.example/internal/cli"
)

// program is what every command shares. Nothing in it is looked up elsewhere, so that tests run commands side by side.
type program struct {
	in     io.Reader
	out    *cli.Screen
	err    *cli.Screen
	getenv func(string) string
	setenv func(name, value string) error
	clock  func() time.Time
	zone   *time.Location // that times are shown in
	open   func(context.Context) (opened, error)
	ask    func(prompt string) (string, error) // for a secret, unseen, at the terminal

	lang     cli.Lang
	language string // of --lang
	settings string // of --settings
	loaded   bool   // the settings file was read
	verbose  bool
	json     bool // the command answers a program
	running  bool // the command line was understood
	lines    map[string]int
}

func newProgram(in io.Reader, out, err io.Writer, getenv func(string) string, clock func() time.Time) *program {
	p := &program{
		in: in, out: cli.NewScreen(out, getenv), err: cli.NewScreen(err, getenv),
		getenv: getenv, setenv: os.Setenv, clock: clock, zone: japan, lang: cli.LangFrom(getenv),
	}
	p.ask = p.askTerminal
	return p
}

// run carries out one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = p.out.Err() // such as a full disk behind > file
	}
	return p.report(ctx, err)
}

// Groups of commands, by who uses them.
const (
	groupApplicant = "applicant"
	groupStaff     = "staff"
	groupOperator  = "operator"
	groupAuthority = "authority"
)

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "セキュアメールIDの申請・認証・発行 / Orders, validation and issuance of Secure Mail ID",
		Long: `セキュアメールID (組織認証S/MIME証明書) の申請、認証、発行を行います。
Orders, validation and issuance of Secure Mail ID, organisation-validated S/MIME certificates.

終了コード / exit codes:
  0  完了 / done
  1  内部エラー / something failed on our side
  2  入力の誤り / the input or the command line is wrong
  3  拒否 (バウチャー使用済みなど) / refused, such as by a used voucher or the order's state
  4  一時的に利用不可 / temporarily unavailable: try the same again later

設定は環境変数 (docs/operations.md) または --settings のファイルから読みます。
Settings come from the environment (docs/operations.md) or the file of --settings.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: p.prepare,
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpFunc(p.explain)
	root.InitDefaultHelpFlag() // or it would take what follows it for its value
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	flags := root.PersistentFlags()
	flags.StringVar(&p.language, "lang", "", "表示言語 ja, en, both (既定: ロケール) / language: ja, en or both (default: the locale's)")
	flags.StringVar(&p.settings, "settings", "", "設定ファイル KEY=value (既定: SMID_DATABASE_URL がなければ "+defaultSettings+") / settings file KEY=value (default: "+defaultSettings+" if SMID_DATABASE_URL is unset)")
	flags.BoolVarP(&p.verbose, "verbose", "v", false, "エラーの原因も表示 / show causes of failures as well")
	root.AddGroup(
		&cobra.Group{ID: groupApplicant, Title: "申請者 / Applicants:"},
		&cobra.Group{ID: groupStaff, Title: "認証担当者 / Validation specialists:"},
		&cobra.Group{ID: groupOperator, Title: "運用担当者 / Operators:"},
		&cobra.Group{ID: groupAuthority, Title: "認証局と販売 / Authority and sales:"},
	)
	p.addCommands(root)
	return root
}

// prepare runs before every command, after its flags were understood.
func (p *program) prepare(*cobra.Command, []string) error {
	p.running = true
	if p.language != "" {
		lang, ok := cli.ParseLang(p.language)
		if !ok {
			return wrongUsage("--lang は ja、en、both のいずれかです。", "--lang is ja, en or both.")
		}
		p.lang = lang
	}
	return nil
}

// logger writes what libraries have to say to standard error: warnings, or everything with --verbose.
func (p *program) logger() *slog.Logger {
	level := slog.LevelError
	if p.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: level}))
}

// say returns a text in the language of the command.
func (p *program) say(ja, en string) string { return p.lang.Say(ja, en) }

// usageTemplate is cobra's, bilingual.
const usageTemplate = `使い方 / Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .HasExample}}

例 / Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}{{if not .AllChildCommandsHaveGroup}}

{{if .Groups}}その他 / Others:{{else}}コマンド / Commands:{{end}}{{range $cmds}}{{if (and (eq .GroupID "") .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

オプション / Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

共通オプション / Global flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

{{.CommandPath}} [command] --help  各コマンドの説明 / explains a command{{end}}
`
