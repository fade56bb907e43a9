package main

import (
	"context"
	"crypto/rand"

	"github.com/spf13/cobra"

	"securemailid.example/internal/ca/ceremony"
)

func (p *program) caRollover() *cobra.Command {
	var o caInitOptions
	var rootKey string
	c := &cobra.Command{
		Use:   "rollover -f ca.yaml --dir DIR",
		Short: "発行CAを更新 / Make the next issuing CA",
		Long: `同じルートCAのもとに、次の発行CAの鍵と証明書を作成します。設定ファイルの issuing だけを改め (名称は以前と異なるもの)、ルートの鍵を
一時的に用意して実行します。ワーカーを再起動すると、新しい証明書は新しい発行CAから発行されます。以前の発行CAは、その証明書が
すべて期限切れになるまでCRLに署名し続けるため、鍵を残してください。

Makes the key and the certificate of the next issuing CA under the same root. Revise the part issuing of the file (its name must be
another), bring the root's key for the while, and run this. Once the workers are started anew, new certificates come from the new
issuing CA. The old one goes on to sign its CRLs until its last certificate has expired, so keep its key.`,
		Example: `  starter ca rollover -f ca.yaml --dir /var/lib/securemailid/ca --root-key /media/safe/root.key`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.rollover(cmd.Context(), o, rootKey) },
	}
	flags := c.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "設定ファイル、- は標準入力 / settings file, - for standard input")
	flags.StringVar(&o.dir, "dir", "", "「ca init」が作成したディレクトリ / the directory that \"ca init\" made")
	flags.StringVar(&rootKey, "root-key", "", "ルートの鍵のファイルまたは PKCS #11 URI (既定: ディレクトリの root.key、root.uri) / the root's key, a file or a PKCS #11 URI (default: the directory's)")
	flags.BoolVar(&o.offline, "offline", false, "データベースに登録しない / leave the record alone")
	return c
}

func (p *program) rollover(ctx context.Context, o caInitOptions, rootKey string) error {
	spec, err := p.readCeremony(o)
	if err != nil {
		return err
	}
	return p.makeCA(ctx, spec, o, func() error {
		return p.ceremony(func(progress func(ceremony.Step)) (ceremony.Result, error) {
			return ceremony.Rollover(ctx, spec, o.dir, rootKey, p.clock, rand.Reader, progress)
		}, o.dir)
	})
}
