package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "securemailid.example/"

// The import rules of the design (Rooms). A pattern is a package, or with "/..." it and everything below; packages of this
// module are written without the module's path.
type rule struct {
	why    string
	rooms  []string // whom it binds
	except []string // whom it does not
	deny   []string // what neither they nor any package of ours that they reach may import
	only   []string // if set, all that is not standard library and may be imported by them or what they reach
	direct bool     // look at the rooms' own imports only
}

var (
	sql     = []string{"database/sql/...", "github.com/jmoiron/sqlx/...", "github.com/lib/pq/...", "github.com/pressly/goose/v3/..."}
	sockets = []string{
		"net", "net/http/...", "net/smtp", "crypto/tls", "os", "os/exec", "syscall",
		"github.com/miekg/dns/...", "github.com/wneessen/go-mail/...", "github.com/openrdap/rdap/...",
	}
	temporal = []string{"go.temporal.io/..."}
	adapters = []string{"internal/store/...", "internal/ca/...", "internal/dcv/probe/...", "internal/mail/..."}
	inside   = []string{"workflows/...", "activities/..."}
	outside  = []string{
		"internal/app/...", "internal/engine/...", "internal/portal/...", "internal/devstack/...", "internal/config/...", "starter/...", "worker/...",
	}
)

func join(lists ...[]string) []string { return slices.Concat(lists...) }

// theRules binds every room that the design names.
func theRules() []rule {
	rules := []rule{
		{
			why:   "nothing reachable from workflows opens a socket, knows SQL or sees an adapter",
			rooms: inside, deny: join(adapters, outside, sql, sockets),
		},
		{
			why:   "the domain is the standard library, our faults, signing requests and voucher codes, and libraries that only compute",
			rooms: []string{"internal/order/..."}, deny: join(sockets, sql),
			only: []string{
				"internal/order/...", "internal/fault", "internal/csr", "internal/voucher",
				"golang.org/x/net/idna", "golang.org/x/net/publicsuffix", "golang.org/x/text/...",
				"github.com/nyaruka/phonenumbers/...", "github.com/titanous/rocacheck",
			},
		},
		{
			why:   "policy, domain control validation, voucher codes and signing requests are pure",
			rooms: []string{"internal/policy", "internal/dcv", "internal/voucher", "internal/csr", "internal/fault"},
			deny:  join(adapters, inside, outside, sockets, sql, temporal),
		},
		{
			why:   "the portal faces the internet: it sees the order's words, never the record, the key or the engine",
			rooms: []string{"internal/portal/..."},
			deny:  join(adapters, inside, sql, temporal, []string{"internal/engine/...", "internal/app/...", "internal/devstack/..."}),
		},
		{
			why:   "only the store speaks SQL",
			rooms: []string{"..."}, deny: sql, direct: true,
			except: []string{"internal/store/...", "internal/devstack/postgres", "internal/e2e/...", "internal/bench/...", "internal/zdeps"},
		},
		{
			why:   "what runs in production needs nothing of the development stack",
			rooms: []string{"internal/app/..."}, deny: []string{"internal/devstack/...", "starter/...", "testing", "github.com/stretchr/testify/..."},
		},
	}
	for i, adapter := range adapters {
		others := slices.Delete(slices.Clone(adapters), i, i+1)
		rules = append(rules, rule{
			why:   "adapters import neither each other nor what calls them",
			rooms: []string{adapter}, deny: join(others, inside, outside, temporal),
			except: []string{"internal/store/storetest", "internal/ca/catest", "internal/ca/hsm/hsmtest"}, // what other rooms' tests use
		})
	}
	return rules
}

// pkg is what `go list` says about one package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Error      *struct{ Err string }
}

// graph holds packages by name; those of this module without its path.
type graph map[string]pkg

func (g graph) add(p pkg) {
	p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
	for i, imported := range p.Imports {
		p.Imports[i] = strings.TrimPrefix(imported, module)
	}
	g[p.ImportPath] = p
}

// ours tells packages of this module: the others have a dot in their first element or are the standard library's.
func (g graph) ours(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	p, listed := g[name]
	return listed && !p.Standard && !strings.Contains(first, ".")
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		root, below := strings.CutSuffix(p, "...")
		root = strings.TrimSuffix(root, "/")
		return name == root || below && (root == "" || strings.HasPrefix(name, root+"/"))
	})
}

// reach returns the packages of ours that name imports, directly or through others of ours, and itself.
func (g graph) reach(name string) []string {
	seen := map[string]bool{name: true}
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		for _, imported := range g[todo[0]].Imports {
			if g.ours(imported) && !seen[imported] {
				seen[imported] = true
				todo = append(todo, imported)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// violations lists every import that breaks the rule, and rooms that do not exist: a rule for nobody would hold nothing.
func (g graph) violations(r rule) []string {
	var found []string
	for _, room := range r.rooms {
		bound := 0
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if g.ours(name) && matches(name, []string{room}) && !matches(name, r.except) {
				bound++
				found = append(found, g.violationsOf(name, r)...)
			}
		}
		if bound == 0 {
			found = append(found, room+" has no packages")
		}
	}
	return found
}

func (g graph) violationsOf(room string, r rule) []string {
	names := []string{room}
	if !r.direct {
		names = g.reach(room)
	}
	var found []string
	for _, name := range names {
		for _, imported := range g[name].Imports {
			outside := r.only != nil && !g[imported].Standard && !matches(imported, r.only)
			if matches(imported, r.deny) || outside {
				found = append(found, fmt.Sprintf("%s: %s imports %s", room, name, imported))
			}
		}
	}
	return found
}

// listed asks the go command for every package of the module and all that they are built from, without tests.
func listed(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Error", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err)
	g := graph{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			require.Nil(t, p.Error, "%s cannot be read, so its imports are not known", p.ImportPath)
		}
		g.add(p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	g := listed(t)
	for _, r := range theRules() {
		require.Empty(t, g.violations(r), r.why)
	}
}

// lawful is a small module that breaks no rule; foreign packages need no entry, except the standard library's.
func lawful() graph {
	g := graph{}
	for _, name := range []string{"net", "net/http", "net/smtp", "os", "database/sql", "strings", "testing"} {
		g.add(pkg{ImportPath: name, Standard: true})
	}
	for name, imports := range map[string][]string{
		"workflows": {"activities", "go.temporal.io/sdk/workflow"}, "activities": {"internal/order", "internal/dcv"},
		"internal/order": {"internal/fault", "internal/csr", "strings"}, "internal/policy": {"internal/order"}, "internal/dcv": {"internal/order"},
		"internal/fault": {"strings"}, "internal/csr": {"internal/fault"}, "internal/voucher": {"internal/fault"},
		"internal/store": {"internal/order", "database/sql", "github.com/lib/pq"}, "internal/ca": {"internal/order", "os"},
		"internal/dcv/probe": {"internal/dcv", "net"}, "internal/mail": {"internal/order", "net/smtp"},
		"internal/portal": {"internal/order", "net/http"}, "internal/engine": {"workflows", "go.temporal.io/sdk/client"},
		"internal/app": {"internal/engine", "internal/store", "internal/portal"}, "internal/devstack/lab": {"internal/app"},
	} {
		g.add(pkg{ImportPath: module + name, Imports: slices.Clone(imports)})
	}
	return g
}

func TestTheRulesRefuseWhatTheyForbid(t *testing.T) {
	t.Parallel()
	for _, r := range theRules() {
		require.Empty(t, lawful().violations(r), r.why)
	}
	for _, tc := range []struct{ name, from, imports string }{
		{"a workflow that reads the record", "workflows", "internal/store"},
		{"a workflow that opens a socket", "workflows", "net/http"},
		{"an activity that opens a socket", "activities", "net"},
		{"SQL two steps below a workflow", "internal/dcv", "database/sql"},
		{"an activity that names an adapter", "activities", "internal/mail"},
		{"the domain with a library of its own choice", "internal/order", "github.com/google/uuid"},
		{"the domain that knows its motor", "internal/order", "go.temporal.io/sdk/workflow"},
		{"the domain that knows the policy", "internal/order", "internal/policy"},
		{"a rule that opens a file", "internal/policy", "os"},
		{"a decision that asks DNS itself", "internal/dcv", "internal/dcv/probe"},
		{"a page that reads the record", "internal/portal", "internal/store"},
		{"a page that touches the key", "internal/portal", "internal/ca"},
		{"a page that calls the engine", "internal/portal", "internal/engine"},
		{"wiring that writes SQL", "internal/app", "github.com/jmoiron/sqlx"},
		{"a store that signs", "internal/store", "internal/ca"},
		{"a CA that mails", "internal/ca", "internal/mail"},
		{"a mailer that asks DNS by our probes", "internal/mail", "internal/dcv/probe"},
		{"an adapter that names activities", "internal/store", "activities"},
		{"an adapter that knows Temporal", "internal/dcv/probe", "go.temporal.io/sdk/activity"},
		{"production that needs the development stack", "internal/app", "internal/devstack/lab"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := lawful()
			p := g[tc.from]
			p.Imports = append(p.Imports, tc.imports)
			g[tc.from] = p
			var found []string
			for _, r := range theRules() {
				found = append(found, g.violations(r)...)
			}
			require.NotEmpty(t, found)
			require.Contains(t, strings.Join(found, "\n"), tc.from+" imports "+tc.imports)
		})
	}
}

func TestARuleForARoomThatDoesNotExistFails(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"internal/nowhere has no packages"}, lawful().violations(rule{rooms: []string{"internal/nowhere"}}))
}
