package proc

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// tailBytes is how much of a failed child's log is shown: enough for a panic's first lines.
const tailBytes = 4 << 10

// openLog opens the log for appending, making its directory; nil for an empty path.
func openLog(path string) (*os.File, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no log is a choice, not a failure
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// tail returns the end of what was logged since the offset, for an error message; empty when there is nothing to show.
func tail(path string, since int64) string {
	if path == "" {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // read only
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(since, size-tailBytes), tailBytes))
	if err != nil || len(text) == 0 {
		return "; see " + path
	}
	return "; the end of " + path + ":\n" + strings.TrimSpace(string(text))
}
