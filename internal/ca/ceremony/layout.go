package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxGenerations bounds the issuing CAs of one directory.
const maxGenerations = 100

// issuingName is the name of an issuing CA's files without their ending. The first is "issuing"; rollovers add "issuing-2" and so on.
func issuingName(generation int) string {
	if generation == 1 {
		return "issuing"
	}
	return fmt.Sprintf("issuing-%d", generation)
}

// IssuingCAs returns the names, without ending, of the issuing CAs in a directory that "starter ca init" made, oldest first; there is one
// at least. Those that were taken away after their expiry leave gaps.
func IssuingCAs(dir string) ([]string, error) {
	var names []string
	for n := 1; n <= maxGenerations; n++ {
		name := issuingName(n)
		_, err := os.Stat(filepath.Join(dir, name+".crt"))
		switch {
		case err == nil:
			names = append(names, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("look for issuing CAs: %w", err)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no issuing CA (%s); \"starter ca init\" makes one", dir, IssuingCertificate)
	}
	return names, nil
}
