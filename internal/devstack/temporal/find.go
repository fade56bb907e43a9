package temporal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"securemailid.example/internal/fault"
)

const cli = "temporal"

// Find returns the path of the Temporal CLI: the given one; or, when that is empty, the one that `make tools` puts into the
// repository's bin/ (looked for beside this executable and from the working directory upwards), or the one in PATH.
func Find(given string) (string, error) {
	if given != "" {
		if path, err := exec.LookPath(given); err == nil {
			return path, nil
		}
		return "", missing(given)
	}
	for _, path := range candidates() {
		if _, err := exec.LookPath(path); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(cli); err == nil {
		return path, nil
	}
	return "", missing("bin/" + cli)
}

func candidates() []string {
	var paths []string
	if exe, err := os.Executable(); err == nil {
		paths = append(paths, filepath.Join(filepath.Dir(exe), cli))
	}
	dir, err := os.Getwd()
	for err == nil {
		paths = append(paths, filepath.Join(dir, "bin", cli))
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return paths
}

func missing(path string) error {
	return fault.New(fault.Unavailable, "devstack.temporal-missing",
		fmt.Sprintf("Temporal CLI(%s)が見つかりません。make tools でビルドするか、設定 %s でパスを指定してください。", path, BinarySetting),
		fmt.Sprintf("The Temporal CLI (%s) was not found. Build it with make tools, or give its path with the setting %s.", path, BinarySetting))
}
