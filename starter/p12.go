package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"securemailid.example/internal/p12"
)

type p12Options struct {
	key, certificates, out        string
	keyPassphrase, passphraseFile string
	legacy                        bool
}

func (p *program) p12() *cobra.Command {
	var o p12Options
	c := &cobra.Command{
		Use:     "p12 --key key.pem --certificates ORDER.p7b",
		GroupID: groupApplicant,
		Short:   "秘密鍵と証明書をPKCS #12ファイルに / Join key and certificates into a PKCS #12 file",
		Long: `この端末の秘密鍵と、ダウンロードした証明書 (.p7b、.pem、.crt、.zip) を、メールソフトに取り込むPKCS #12ファイル (.p12) にまとめます。
秘密鍵が証明書と対になっているかを確かめます。何も送信しません。パスフレーズは端末で尋ねるか、ファイル (権限 0600) から読みます。
取り込んだ後は、.p12 を安全に保管するか削除してください。

Joins the private key of this machine and the downloaded certificates (.p7b, .pem, .crt, .zip) into a PKCS #12 file (.p12) that mail
clients import. It makes sure that the key is the certificate's. Nothing is sent anywhere. The passphrase is asked for at the terminal,
or read from a file of mode 0600. After the import keep the .p12 safe or delete it.`,
		Example: `  starter p12 --key key.pem --certificates 1234567890.p7b
  starter p12 --key key.pem --certificates 1234567890.zip --out info.p12 --passphrase-file pass.txt`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.joinP12(o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.key, "key", "key.pem", "秘密鍵のファイル、PEM / private key, PEM (PKCS #8 or PKCS #1)")
	flags.StringVar(&o.certificates, "certificates", "", "ダウンロードしたファイル / the downloaded file")
	flags.StringVar(&o.out, "out", "", "作成するファイル (既定: 証明書のファイル名.p12) / file to make (default: named after the certificates)")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", ".p12 のパスフレーズのファイル / file with the passphrase of the .p12")
	flags.StringVar(&o.keyPassphrase, "key-passphrase-file", "", "暗号化された秘密鍵のパスフレーズのファイル / file with the passphrase of an encrypted key")
	flags.BoolVar(&o.legacy, "legacy", false, "古いソフト (GnuPG 2.2、古い macOS や Windows など) 向け、弱い暗号 / for old readers such as GnuPG 2.2 and old macOS or Windows; weak encryption")
	return c
}

func (p *program) joinP12(o p12Options) error {
	switch {
	case o.certificates == "":
		return wrongUsage("--certificates にダウンロードしたファイルを指定してください。", "Name the downloaded file with --certificates.")
	case o.out != "":
	case o.certificates == "-":
		return wrongUsage("--out に作成するファイルを指定してください。", "Name the file to make with --out.")
	default:
		o.out = strings.TrimSuffix(o.certificates, filepath.Ext(o.certificates)) + ".p12"
	}
	data, err := p.readFileOrInput(o.certificates, p12.MaxFile)
	if err != nil {
		return err
	}
	certs, err := p12.ParseCertificates(data)
	if err != nil {
		return err
	}
	text, err := p.readFileOrInput(o.key, maxKeyFile)
	if err != nil {
		return err
	}
	defer clear(text)
	key, err := p12.ParseKey(text, func() (string, error) {
		return p.passphrase(o.keyPassphrase, "--key-passphrase-file", p.say("秘密鍵のパスフレーズ", "passphrase of the private key"))
	})
	if err != nil {
		return err
	}
	if err := p12.Matches(key, certs); err != nil { // before anything is asked for
		return err
	}
	secret, err := p.newPassphrase(o)
	if err != nil {
		return err
	}
	file, err := p12.Join(key, certs, secret, o.legacy)
	if err != nil {
		return err
	}
	if err := writeNew(o.out, 0o600, file); err != nil {
		return err
	}
	p.out.Println(o.out)
	return nil
}

// newPassphrase asks twice, so that nobody is locked out by a slip of the finger.
func (p *program) newPassphrase(o p12Options) (string, error) {
	secret, err := p.passphrase(o.passphraseFile, "--passphrase-file", p.say("新しいパスフレーズ (8文字以上)", "new passphrase, 8 characters or more"))
	if err != nil || o.passphraseFile != "" {
		return secret, err
	}
	again, err := p.ask(p.say("もう一度", "once more"))
	if err != nil {
		return "", err
	}
	if again != secret {
		return "", wrongUsage("2回の入力が一致しません。", "The two passphrases differ.")
	}
	return secret, nil
}
