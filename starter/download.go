package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

type downloadOptions struct {
	format, dir string
	sequence    int
	force       bool
}

func (p *program) download() *cobra.Command {
	var o downloadOptions
	c := &cobra.Command{
		Use:     "download ORDER",
		GroupID: groupStaff,
		Short:   "証明書をダウンロード / Download a certificate",
		Long: `発行済みの証明書を、発行CAとルートの証明書とともに保存します。Temporalが停止中でも使えます。
  p7b  PKCS #7形式のファイル1つ   zip  個別の.crtファイル   pem  PEM形式のファイル1つ
Saves an issued certificate with those of the issuing CA and the root. Works without Temporal.
  p7b  one PKCS #7 file           zip  single .crt files    pem  one PEM file`,
		Example: `  starter download 1234567890
  starter download 1234567890 --type zip --out /tmp
  starter download 1234567890 --type pem --out -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.fetch(cmd.Context(), args[0], o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.format, "type", "p7b", "形式 / type: p7b, zip, pem")
	flags.StringVar(&o.dir, "out", ".", "保存先のディレクトリ、- は標準出力 / directory, - for standard output")
	flags.IntVar(&o.sequence, "sequence", 0, "何番目の証明書か (既定: 最新) / which of the order's certificates (default: the latest)")
	flags.BoolVar(&o.force, "force", false, "既存のファイルを上書き / overwrite an existing file")
	completeWords(c, "type", "p7b", "zip", "pem")
	return c
}

func (p *program) fetch(ctx context.Context, arg string, o downloadOptions) error {
	number, err := orderNumber(arg)
	if err != nil {
		return err
	}
	pack, known := packers[o.format]
	if !known {
		return wrongUsage("--type は p7b、zip、pem のいずれかです。", "--type is p7b, zip or pem.")
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		cert, err := certificate(ctx, d, number, o.sequence)
		if err != nil {
			return err
		}
		issuer, err := d.Records.IssuingCA(ctx, cert.Issuer)
		if err != nil {
			return err
		}
		data, err := pack(cert.DER, issuer)
		if err != nil {
			return err
		}
		return p.save(data, fmt.Sprintf("%s.%s", number, o.format), o)
	})
}

// packers make the files of the download page (G22), and PEM for programs.
var packers = map[string]func([]byte, order.IssuingCA) ([]byte, error){
	"p7b": ca.PKCS7,
	"zip": ca.ZIP,
	"pem": func(leaf []byte, issuer order.IssuingCA) ([]byte, error) { return ca.PEM(leaf, issuer), nil },
}

// certificate returns the order's certificate of the sequence, the latest for 0.
func certificate(ctx context.Context, d *app.Desk, number string, sequence int) (order.Certificate, error) {
	if _, err := d.Records.Order(ctx, number); err != nil { // an unknown number is not an order without a certificate
		return order.Certificate{}, err
	}
	all, err := d.Records.Certificates(ctx, number)
	if err != nil {
		return order.Certificate{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if sequence == 0 || all[i].Sequence == sequence {
			return all[i], nil
		}
	}
	return order.Certificate{}, fault.New(fault.NotFound, "certificate.none", "この証明書はまだ発行されていません。「starter status "+number+"」で状況を確認してください。",
		"There is no such certificate yet. See \"starter status "+number+"\".")
}

func (p *program) save(data []byte, name string, o downloadOptions) error {
	if o.dir == "-" {
		_, err := p.out.Write(data)
		return err
	}
	path := filepath.Join(o.dir, name)
	if o.force {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) { // writeNew says so
			return err
		}
	}
	if err := writeNew(path, 0o644, data); err != nil {
		return err
	}
	p.out.Println(path)
	return nil
}
