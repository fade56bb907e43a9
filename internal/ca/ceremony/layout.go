package ceremony

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/hsm"
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

// generationOf is the reverse of issuingName, 0 for anything else.
func generationOf(name string) int {
	for n := 1; n <= maxGenerations; n++ {
		if issuingName(n) == name {
			return n
		}
	}
	return 0
}

// legacyLog is what ceremonies wrote before there was LogFile.
const legacyLog = "ceremony.json"

// Completed reports whether a ceremony was completed in dir.
func Completed(dir string) bool {
	for _, name := range []string{LogFile, legacyLog} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
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

// OpenKey opens the private key of the CA of that name in dir: the one in an HSM that NAME.uri names, else the file NAME.key, else the
// one that machine names. machine also says how this machine reaches the HSM of NAME.uri; it may be zero. The ring must outlive the key.
func OpenKey(dir, name string, machine hsm.URI, ring *hsm.Ring) (crypto.Signer, error) {
	uri, err := readURI(filepath.Join(dir, name+".uri"))
	if err == nil {
		return openHSM(ring, uri.On(machine))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ca.LoadKey(filepath.Join(dir, name+".key"))
	if errors.Is(err, fs.ErrNotExist) && machine.NamesKey() {
		return openHSM(ring, machine)
	}
	return key, err
}

// openHSM keeps a nil *hsm.Key from becoming a signer that is not nil.
func openHSM(ring *hsm.Ring, u hsm.URI) (crypto.Signer, error) {
	key, err := ring.Key(u)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// readURI reads a file that holds one PKCS #11 URI.
func readURI(path string) (hsm.URI, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return hsm.URI{}, err
	}
	u, err := hsm.ParseURI(strings.TrimSpace(string(text)))
	if err != nil {
		return hsm.URI{}, fmt.Errorf("%s: %w", path, err)
	}
	return u, nil
}
