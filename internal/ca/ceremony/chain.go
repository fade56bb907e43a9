package ceremony

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"securemailid.example/internal/fault"
)

// Events of the log.
const (
	eventStarted  = "started"
	eventFound    = "found" // a certificate from before there was a log
	eventMade     = "made"
	eventFinished = "finished"
)

// line is one line of LogFile, compact JSON. Each carries the hash of the one before, so that none can be changed, added, taken out or
// moved without breaking all that follow; only cutting off the end needs a copy of the last hash kept elsewhere.
type line struct {
	Number    int       `json:"n"`
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	Command   string    `json:"command"`
	Operator  string    `json:"operator"`
	Witnesses []string  `json:"witnesses"`
	Software  Software  `json:"software"`
	Settings  string    `json:"settings_sha256"`
	Made      *Made     `json:"made,omitempty"`
	Before    string    `json:"before"` // hash of the line before; zeros for the first
	Hash      string    `json:"hash"`   // SHA-256 over this line with hash ""
}

// seal fills in the hash.
func (l line) seal() (line, error) {
	l.Hash = ""
	body, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("ceremony: encode log line: %w", err)
	}
	l.Hash = digest(body)
	return l, nil
}

// noHash stands before the first line.
var noHash = strings.Repeat("0", 64)

// Report is what a log that verifies says.
type Report struct {
	Lines      int    `json:"lines"`
	Ceremonies int    `json:"ceremonies"`
	Head       string `json:"head"` // hash of the last line; a copy kept elsewhere shows later that nothing was cut off
	Made       []Made `json:"made"` // certificates and CRLs in their order
}

// maxLog bounds the log, bytes: a rollover adds about two kilobytes.
const maxLog = 1 << 20

// Verify checks the log of a ceremony's directory, and the certificates beside it against the log. No log is a fault of kind NotFound, and
// one that does not hold of kind Conflict, which says where.
func Verify(dir string) (Report, error) {
	text, err := readLog(dir)
	if err != nil {
		return Report{}, err
	}
	lines, err := parseLog(text)
	if err != nil {
		return Report{}, err
	}
	r := Report{Lines: len(lines), Head: lines[len(lines)-1].Hash}
	for _, l := range lines {
		if l.Made != nil {
			r.Made = append(r.Made, *l.Made)
		}
		if l.Event == eventFinished {
			r.Ceremonies++
		}
	}
	return r, compareFiles(dir, r.Made)
}

func readLog(dir string) ([]byte, error) {
	path := filepath.Join(dir, LogFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "log.none", "このディレクトリに記録 ("+LogFile+") はありません。", "This directory has no log ("+LogFile+").")
	case err != nil:
		return nil, fmt.Errorf("ceremony: read log: %w", err)
	case info.Size() > maxLog:
		return nil, broken(0, "記録が大きすぎます。", "It is too long.")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ceremony: read log: %w", err)
	}
	return text, nil
}

// parseLog reads lines and checks the chain.
func parseLog(text []byte) ([]line, error) {
	var lines []line
	before, open := noHash, false
	for raw := range bytes.Lines(text) {
		n := len(lines) + 1
		l, err := parseLine(raw)
		if err != nil {
			return nil, broken(n, "読み取れません。", "It cannot be read.")
		}
		sealed, err := l.seal()
		switch {
		case err != nil:
			return nil, err
		case l.Number != n || l.Before != before:
			return nil, broken(n, "前の行とつながりません。", "It does not follow the line before.")
		case sealed.Hash != l.Hash:
			return nil, broken(n, "内容が変更されています。", "It is not what was written.")
		case (l.Event == eventStarted) == open:
			return nil, broken(n, "作業の開始と終了が対応しません。", "Beginnings and ends of ceremonies do not match.")
		}
		open = l.Event != eventFinished
		before, lines = l.Hash, append(lines, l)
	}
	if len(lines) == 0 || open {
		return nil, broken(len(lines), "記録が途中で終わっています。", "The log ends in the middle of a ceremony.")
	}
	return lines, nil
}

// parseLine reads a line that is exactly as we would write it.
func parseLine(raw []byte) (line, error) {
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, err
	}
	again, err := json.Marshal(l)
	if err != nil {
		return l, err
	}
	if !bytes.Equal(append(again, '\n'), raw) {
		return l, errors.New("not in its canonical form")
	}
	return l, nil
}

// compareFiles holds the certificates in dir against the log. One that was taken away is no fault, one that is not in the log is.
func compareFiles(dir string, made []Made) error {
	present, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("ceremony: look for certificates: %w", err)
	}
	for _, entry := range present {
		name := entry.Name()
		if filepath.Ext(name) != ".crt" {
			continue
		}
		cert, err := one(dir, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(made, func(m Made) bool { return m.File == name })
		if i < 0 || made[i].SHA256 != digest(cert.Raw) || made[i].KeySHA256 != digest(cert.RawSubjectPublicKeyInfo) {
			return fault.New(fault.Conflict, "log.other-file", name+" は記録された証明書ではありません。", name+" is not the certificate that was logged.")
		}
	}
	return nil
}

func broken(n int, ja, en string) error {
	return fault.New(fault.Conflict, "log.broken", fmt.Sprintf("記録の %d 行目が正しくありません: %s", n, ja), fmt.Sprintf("The log does not hold at line %d: %s", n, en))
}

// loggedFiles returns what the log of dir, which must hold, says was made; nil where there is none.
func loggedFiles(dir string) ([]Made, error) {
	r, err := Verify(dir)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return r.Made, err
}

// appendLog adds the lines of a ceremony to dir's log, all or none.
func appendLog(dir string, l Log) error {
	text, err := readLog(dir)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	var lines []line
	if err == nil {
		if lines, err = parseLog(text); err != nil {
			return err
		}
	}
	before := noHash
	if len(lines) > 0 {
		before = lines[len(lines)-1].Hash
	}
	out := bytes.NewBuffer(text)
	for i, next := range l.lines() {
		next.Number, next.Before = len(lines)+i+1, before
		if next, err = next.seal(); err != nil {
			return err
		}
		encoded, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("ceremony: encode log line: %w", err)
		}
		before = next.Hash
		out.Write(append(encoded, '\n'))
	}
	return replace(dir, file{LogFile, 0o644, out.Bytes()})
}

// lines are the log's, not yet chained.
func (l Log) lines() []line {
	common := line{
		At: l.FinishedAt, Command: l.Command, Operator: l.Operator, Witnesses: l.Witnesses, Software: l.Software, Settings: l.SpecSHA256,
	}
	started, finished := common, common
	started.At, started.Event, finished.Event = l.StartedAt, eventStarted, eventFinished
	out := []line{started}
	for _, group := range []struct {
		event string
		made  []Made
	}{{eventFound, l.Found}, {eventMade, l.Made}} {
		for _, m := range group.made {
			next := common
			next.Event, next.Made = group.event, &m
			out = append(out, next)
		}
	}
	return append(out, finished)
}
