package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"securemailid.example/internal/fault"
)

// defaultSettings is where the development stack leaves its settings.
const defaultSettings = ".dev/run/env"

// settingName is what a settings file may set: this program's own variables and those of the libraries it talks through. A file in the
// working directory must not reach further.
var settingName = regexp.MustCompile(`^(SMID|TEMPORAL|OTEL)_[A-Z0-9_]+$`)

// loadSettings reads the settings file into the environment, once. A file that was asked for wins over the environment; the default
// one fills in what is not set.
func (p *program) loadSettings() error {
	if p.loaded {
		return nil
	}
	p.loaded = true
	path, asked := p.settings, p.settings != ""
	if !asked {
		if p.getenv("SMID_DATABASE_URL") != "" {
			return nil
		}
		path = defaultSettings
	}
	values, err := readSettings(path)
	switch {
	case err != nil && !asked && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	for _, v := range values {
		if !asked && p.getenv(v.name) != "" {
			continue
		}
		if err := p.setenv(v.name, v.value); err != nil {
			return err
		}
	}
	if !asked && !p.json {
		p.err.Println(p.err.Dim(p.say("開発環境の設定を使います", "using the development stack's settings") + ": " + path))
	}
	return nil
}

type setting struct{ name, value string }

// readSettings reads KEY=value lines; empty lines and those that begin with # are skipped, quotes around a whole value removed.
func readSettings(path string) ([]setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var out []setting
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !found || !settingName.MatchString(name) {
			return nil, fault.New(fault.Invalid, "settings.line",
				fmt.Sprintf("設定ファイル%sの%d行目が「SMID_…=値」(または TEMPORAL_…、OTEL_…) の形ではありません。", path, n),
				fmt.Sprintf("Line %d of the settings file %s is not SMID_…=value (or TEMPORAL_…, OTEL_…).", n, path))
		}
		out = append(out, setting{name, unquote(value)})
	}
	return out, lines.Err()
}

func unquote(v string) string {
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}
