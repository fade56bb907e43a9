package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"path/filepath"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/cli"
	"securemailid.example/internal/config"
)

// maxCeremony bounds a ceremony's settings file, bytes; ceremony.Parse says so itself.
const maxCeremony = 64 << 10

type caInitOptions struct {
	file, dir        string
	example, offline bool
}

func (p *program) caInit() *cobra.Command {
	var o caInitOptions
	c := &cobra.Command{
		Use:   "init -f ca.yaml --dir DIR",
		Short: "ルートCAと発行CAを作成 / Make a root and an issuing CA",
		Long: `確認済みの設定ファイルから、ルートCAと発行CA (RSA-4096) の鍵と証明書、ルートのCRL、作業記録を作成します。既存のファイルは
上書きしません。設定の hsm に PKCS #11 URI があれば、鍵は HSM の中で作られ、外に出ません。発行CAの証明書と最初のCRLを
データベースに登録します (--offline では登録せず、後で「ca publish」)。

Makes the keys and certificates of a root and an issuing CA (RSA-4096), the root's CRL and a log from one reviewed file. Nothing is
overwritten. Where the file names an HSM (a PKCS #11 URI) the key is made inside and never leaves it. The issuing CA and its first
CRL go into the record, unless --offline; then "ca publish" does that later.`,
		Example: `  starter ca init --example > ca.yaml
  starter ca init -f ca.yaml --dir /var/lib/securemailid/ca`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.example {
				p.out.Printf("%s", ceremony.Example())
				return nil
			}
			return p.initCA(cmd.Context(), o)
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "設定ファイル、- は標準入力 / settings file, - for standard input")
	flags.StringVar(&o.dir, "dir", "", "鍵と証明書の保存先 / directory for keys and certificates")
	flags.BoolVar(&o.example, "example", false, "設定ファイルの例を表示 / print an example of the settings file")
	flags.BoolVar(&o.offline, "offline", false, "データベースに登録しない / leave the record alone")
	return c
}

func (p *program) initCA(ctx context.Context, o caInitOptions) error {
	spec, err := p.readCeremony(o)
	if err != nil {
		return err
	}
	return p.makeCA(ctx, spec, o, func() error { return p.holdCeremony(ctx, spec, o.dir) })
}

// readCeremony reads the reviewed file.
func (p *program) readCeremony(o caInitOptions) (ceremony.Spec, error) {
	if o.dir == "" {
		return ceremony.Spec{}, wrongUsage("--dir に保存先を指定してください。", "Name a directory with --dir.")
	}
	text, err := p.readFileOrInput(o.file, maxCeremony)
	if err != nil {
		return ceremony.Spec{}, err
	}
	return ceremony.Parse(bytes.NewReader(text))
}

// makeCA holds a ceremony and puts what it made into the record.
func (p *program) makeCA(ctx context.Context, spec ceremony.Spec, o caInitOptions, hold func() error) error {
	if o.offline {
		return hold()
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		if err := p.checkRecord(ctx, d, spec); err != nil { // before keys are made that could not be put to use
			return err
		}
		if err := hold(); err != nil {
			return err
		}
		return p.publishCA(ctx, d, config.CA{Dir: o.dir, KeyURI: p.getenv("SMID_CA_KEY"), URL: p.getenv("SMID_CA_URL"), PolicyOID: spec.PolicyOID}, false)
	})
}

// checkRecord makes sure that the record answers and that the worker will run under the ceremony's profile.
func (p *program) checkRecord(ctx context.Context, d *app.Desk, spec ceremony.Spec) error {
	if running := d.Rules.At(p.clock()).Profile; running != spec.Profile {
		return wrongUsage("設定ファイルのprofileがSMID_POLICYと異なります。", "The profile of the file is not SMID_POLICY's.")
	}
	return d.Records.Ping(ctx)
}

func (p *program) holdCeremony(ctx context.Context, spec ceremony.Spec, dir string) error {
	return p.ceremony(func(progress func(ceremony.Step)) (ceremony.Result, error) {
		return ceremony.Run(ctx, spec, dir, p.clock, rand.Reader, progress)
	}, dir)
}

// ceremony shows the progress of one and prints what it made and what comes next.
func (p *program) ceremony(hold func(progress func(ceremony.Step)) (ceremony.Result, error), dir string) error {
	bar := cli.NewProgress(p.err, ceremony.Steps)
	made, err := hold(func(s ceremony.Step) {
		bar.Say(p.lang.Of(s.Text))
		bar.At(int64(s.Number - 1))
	})
	bar.Done()
	if err != nil {
		return err
	}
	p.out.Println(p.out.Green(p.say("認証局を作成しました。", "The authority has been made.")))
	for _, m := range made.Log.Made {
		p.out.Println(" ", p.out.Bold(m.File), cli.Plain(m.Subject))
		p.out.Println("    SHA-256", m.SHA256)
		p.out.Println("   ", p.at(m.NotBefore), "-", p.at(m.NotAfter))
	}
	p.out.Println(p.say("記録", "log")+":", filepath.Join(dir, ceremony.LogFile))
	p.out.Println()
	p.out.Println(p.say("次の作業", "What to do next") + ":")
	for _, step := range made.Log.Next() {
		p.out.Println("  - " + cli.Plain(p.lang.Of(step)))
	}
	p.out.Println("  - " + p.say("ワーカーの SMID_CA_DIR に "+dir+" を設定し、再起動します。", "Set SMID_CA_DIR of the workers to "+dir+" and start them anew."))
	return nil
}
