package integration

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// floors is the import law of docs/architecture.md, section 3. A room is a package's
// folder; "cmd/..." is every folder below. A package imports lower floors only; fault is
// below all.
func floors() map[int][]string {
	return map[int][]string{
		6: {"cmd/...", "integration/..."},
		5: {"api", "api/client", "web", "boot/serve", "dhcp/listen", "tftp/listen", "agent", "agent/serve", "bmc/watch", "bmc/listen", "bmc/console/watch", "deploy/run", "firmware/serve", "images/run", "inventory/intake", "inventory/verify/run", "racksim/run", "images/serve", "fleet/run", "webhook/run"},
		4: {"store", "bmc/redfish", "bmc/ipmi", "bmc/broker", "images/blob", "images/ramdisk", "images/source/web", "images/source/oci", "dhcp", "dhcp/v6", "tftp", "agent/probe", "agent/fetch", "agent/disk", "agent/erase", "agent/link", "agent/kmod", "agent/burn", "agent/rescue", "agent/efi", "agent/system", "agent/rootfs", "api/wire", "api/stream",
			"boot/current", "journal/record", "access/oidc", "racksim/qemu", "racksim/scripted", "racksim/redfish", "racksim/mockup", "racksim/link", "inventory/netbox/rest", "images/cache"},
		3: {"boot", "deploy/seed", "deploy/answer", "bmc/probe", "bmc/console", "bmc/console/ssh", "racksim", "inventory/racking", "inventory/sheet", "inventory/netbox", "agent/ipmi"},
		2: {"access/guard", "boot/attempt", "boot/trace", "deploy", "deploy/network", "deploy/ignition", "bmc", "racksim/faults", "agent/wire", "agent/direct", "inventory/verify", "inventory/draw", "inventory/overlay", "inventory/schema", "images/proof", "images/source", "webhook"},
		1: {"inventory", "inventory/plan", "inventory/macs", "images", "firmware", "fleet", "access", "journal", "images/ticket", "audit"},
		0: {"fault", "heap", "line", "config", "seal", "segment", "mmsg", "migrations"},
	}
}

// library says where alone a library may appear. A room stands for itself and what is
// below it, except rooms after a "-".
type library struct {
	prefixes []string
	rooms    []string
	except   []string
}

func libraries() []library {
	return []library{
		{[]string{"github.com/insomniacslk/dhcp"}, []string{"dhcp", "agent", "racksim", "integration"}, []string{"agent/serve"}},
		{[]string{"github.com/pin/tftp"}, []string{"tftp", "racksim", "integration"}, nil},
		{[]string{"github.com/stmcginnis/gofish"}, []string{"bmc/redfish"}, nil},
		{[]string{"github.com/bougou/go-ipmi"}, []string{"bmc/ipmi"}, nil},
		{[]string{"database/sql", "github.com/jackc/pgx", "modernc.org/sqlite", "github.com/pressly/goose"}, []string{"store"}, nil},
		{[]string{"github.com/go-chi/chi", "github.com/danielgtaylor/huma"}, []string{"api", "boot/serve", "agent/serve", "web", "cmd"}, []string{"api/wire"}},
		{[]string{"github.com/boombuler/barcode", "github.com/go-pdf/fpdf"}, []string{"inventory/draw"}, nil},
		{[]string{"github.com/tidwall/btree"}, []string{"boot"}, nil},
		{[]string{"github.com/coreos/go-oidc", "golang.org/x/oauth2"}, []string{"access/oidc"}, nil},
		{[]string{"golang.org/x/time"}, []string{"access/guard"}, nil},
		{[]string{"aead.dev/minisign"}, []string{"images/proof"}, nil},
		{[]string{"oras.land/oras-go", "github.com/opencontainers"}, []string{"images/source/oci"}, nil},
		{[]string{"github.com/coreos/ignition"}, []string{"deploy/ignition", "integration"}, nil},
		{[]string{"github.com/vishvananda/netlink"}, []string{"dhcp/listen", "agent", "racksim", "integration"}, []string{"agent/serve"}},
	}
}

func TestTheTreeKeepsTheImportLaw(t *testing.T) {
	tree, err := readTree("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(tree) < 10 {
		t.Fatalf("only %d rooms were found", len(tree))
	}
	for _, v := range violations(tree) {
		t.Error(v)
	}
}

func TestTheTableIsTheOneInTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[int][]string{}
	for _, m := range regexp.MustCompile(`(?m)^    floor (\d)   (.*)$`).FindAllStringSubmatch(string(text), -1) {
		floor := int(m[1][0] - '0')
		written[floor] = append(written[floor], strings.Fields(m[2])...)
	}
	for floor, rooms := range floors() {
		if want := slices.Sorted(slices.Values(rooms)); !slices.Equal(want, slices.Sorted(slices.Values(written[floor]))) {
			t.Errorf("floor %d is %v here and %v in docs/architecture.md", floor, want, written[floor])
		}
	}
}

func TestEveryDirectDependencyHasItsReason(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../docs/decisions/0001-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+|\S+\.\S+/\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) < 5 {
		t.Fatalf("only %d requirements were found in go.mod", len(direct))
	}
	for _, m := range direct {
		if !strings.Contains(string(reasons), "`"+m[1]+"`") {
			t.Errorf("go.mod requires %s, and docs/decisions/0001-dependencies.md gives no reason", m[1])
		}
	}
}

// TestBrokenLawIsNoticed gives every rule one import that breaks it.
func TestBrokenLawIsNoticed(t *testing.T) {
	for _, c := range []struct{ room, imports, want string }{
		{"boot", "rackwright/store", "floor 3 imports floor 4"},
		{"api", "rackwright/web", "floor 5 imports floor 5"},
		{"inventory", "github.com/google/uuid", "the domain"},
		{"journal", "rackwright/images", "the domain"},
		{"dhcp", "github.com/pin/tftp/v3", "github.com/pin/tftp"},
		{"api", "database/sql", "database/sql"},
		{"deploy", "github.com/go-chi/chi/v5", "github.com/go-chi/chi"},
		{"agent/serve", "github.com/vishvananda/netlink", "github.com/vishvananda/netlink"},
		{"agent", "rackwright/deploy", "the agent reaches deploy"},
		{"agent/probe", "rackwright/boot", "the agent reaches deploy: agent/probe -> boot -> deploy"},
		{"racksim/run", "rackwright/store", "racksim"},
		{"garage", "fmt", "stands on no floor"},
		{"api", "rackwright/bmc/bmctest", "suite"},
		{"fault", "rackwright/seal", "floor 0 imports floor 0"},
	} {
		tree := map[string][]imported{
			c.room: {{"x.go", c.imports}}, "deploy": {{"d.go", "fmt"}}, "boot": {{"b.go", "rackwright/deploy"}},
		}
		tree[c.room] = []imported{{"x.go", c.imports}}
		found := violations(tree)
		if !slices.ContainsFunc(found, func(v string) bool { return strings.Contains(v, c.want) && strings.Contains(v, "x.go") }) {
			t.Errorf("%s importing %s: got %v", c.room, c.imports, found)
		}
	}
}

func TestLawfulImportsPass(t *testing.T) {
	tree := map[string][]imported{
		"cmd/rackwright": {{"main.go", "rackwright/store"}, {"main.go", "github.com/go-chi/chi/v5"}},
		"store":          {{"db.go", "database/sql"}, {"db.go", "rackwright/inventory"}},
		"inventory":      {{"rack.go", "net/netip"}, {"rack.go", "rackwright/fault"}},
		"images":         {{"image.go", "rackwright/inventory"}},
		"seal":           {{"seal.go", "rackwright/fault"}},
		"bmc/bmctest":    {{"suite.go", "rackwright/bmc"}, {"suite.go", "testing"}},
		"racksim/run":    {{"run.go", "rackwright/racksim/qemu"}, {"run.go", "rackwright/agent/wire"}},
	}
	if found := violations(tree); len(found) > 0 {
		t.Errorf("got %v for rooms %v", found, slices.Sorted(maps.Keys(tree)))
	}
}
