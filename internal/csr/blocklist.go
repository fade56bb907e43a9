package csr

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Fingerprints is a Blocklist held in memory.
type Fingerprints map[[32]byte]struct{}

// Compromised reports whether the list holds the fingerprint.
func (f Fingerprints) Compromised(fingerprint [32]byte) bool {
	_, found := f[fingerprint]
	return found
}

// ReadBlocklist reads the operator's list: one SHA-256 of a SubjectPublicKeyInfo per line, in hex; empty lines and lines that begin
// with # are skipped. A line that is neither is an error, since a list that is half read protects nobody.
func ReadBlocklist(r io.Reader) (Fingerprints, error) {
	out := Fingerprints{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("blocklist line %d is not the hex of a SHA-256", n)
		}
		out[[32]byte(raw)] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the blocklist: %w", err)
	}
	return out, nil
}
