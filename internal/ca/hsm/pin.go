package hsm

import (
	"io"
	"os"
	"strings"

	"securemailid.example/internal/fault"
)

// maxPIN bounds a PIN, bytes.
const maxPIN = 256

// readPIN reads a PIN from a file to which only its owner has access.
func readPIN(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errPIN().Because(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of the open file, so that it cannot be swapped in between
	if err != nil {
		return "", errPIN().Because(err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Invalid, "hsm.pin-mode", "PIN のファイルは所有者だけが読めるようにしてください: chmod 600",
			"Only its owner may have access to the file with the PIN: chmod 600")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPIN+1))
	if err != nil {
		return "", errPIN().Because(err)
	}
	defer clear(data)
	pin := strings.TrimRight(string(data), "\r\n")
	if pin == "" || len(pin) > maxPIN {
		return "", errPIN()
	}
	return pin, nil
}

func errPIN() *fault.Error {
	return fault.New(fault.Invalid, "hsm.pin", "pin-source のファイルから PIN を読み取れません。", "The PIN cannot be read from the file of pin-source.")
}
