package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/fault"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(text string) (*planFiles, error) {
	return readPlan(&world{in: strings.NewReader(text), err: io.Discard}, "-")
}

func TestAnchorsMayRepeatParts(t *testing.T) {
	p, err := read("site: lab\nracks:\n- name: r1\n  machines:\n  - &m {name: a, u: 1, firmware: bios}\n  - <<: *m\n    name: b\n    u: 2\n")
	if err != nil || len(p.plan.Racks[0].Machines) != 2 || p.plan.Racks[0].Machines[1].Firmware != "bios" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestAPlanOfAliasesOfAliasesIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 {name: x}\n")
	for i := 1; i < 9; i++ {
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.Repeat("*a"+string(rune('0'+i-1))+", ", 9) + "]\n")
	}
	b.WriteString("racks: *a8\nsite: lab\n")
	if _, err := read(b.String()); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if _, err := read("racks: &r [*r]\nsite: lab\n"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func TestAPlanTooLargeIsRefused(t *testing.T) {
	if _, err := read("# " + strings.Repeat("x", wire.MaxPlan)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "MiB") {
		t.Error(err)
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add("site: lab\nracks:\n- name: r1\n  machines:\n  - {name: a, u: 1, nics: [{mac: '52:54:00:00:00:01'}]}\n")
	f.Add("site: lab\n---\nnetworks: [{name: n, cidr: 10.0.0.0/24, pool: {first: 10.0.0.2, last: 10.0.0.9}}]\n")
	f.Add("{\"site\": \"lab\"}")
	f.Add("racks: &r [*r]\n")
	f.Add("site: [\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "password_file") {
			t.Skip("it would read files")
		}
		if _, err := read(text); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is %v", err, fault.KindOf(err))
		}
	})
}
