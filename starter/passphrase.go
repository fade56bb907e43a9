package main

import (
	"os"

	"golang.org/x/term"

	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
)

// passphrase reads a secret from the file that a flag names, whose mode is 0600, or asks for it at the terminal. It never comes from the
// command line itself, which others on the machine can read.
func (p *program) passphrase(file, flag, prompt string) (string, error) {
	if file == "" {
		return p.ask(prompt)
	}
	secret, err := config.Secret(file)
	if err != nil {
		return "", unreadable(err)
	}
	if secret == "" {
		return "", wrongUsage(flag+" のファイルが空です。", "The file of "+flag+" is empty.")
	}
	return secret, nil
}

// askTerminal asks on standard error and reads from the terminal without showing what is typed.
func (p *program) askTerminal(prompt string) (string, error) {
	f, ok := p.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", fault.New(fault.Invalid, "no-terminal", "端末がないためパスフレーズを尋ねられません。ファイルで指定してください (--help)。",
			"There is no terminal to ask for the passphrase at. Name a file instead (--help).")
	}
	p.err.Printf("%s: ", prompt)
	secret, err := term.ReadPassword(int(f.Fd()))
	p.err.Println()
	if err != nil {
		return "", err
	}
	defer clear(secret)
	return string(secret), nil
}
