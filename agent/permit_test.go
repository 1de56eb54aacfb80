package agent_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"rackwright/agent"
	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
	"rackwright/inventory"
)

// permits gives the bench's server a hand in its permits.
func (b *bench) permits(change func(p *wire.Permit)) {
	b.Permit = func(o wire.Order, seen *wire.CheckIn) wire.Permit {
		p := agenttest.Everything(o, seen)
		change(&p)
		return p
	}
}

// untouched wants the disks as they were.
func (b *bench) untouched(t *testing.T, was [2][]byte) {
	t.Helper()
	for i, path := range b.disks {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, was[i]) {
			t.Errorf("%s was written (%v)", path, err)
		}
	}
}

func (b *bench) contents(t *testing.T) (was [2][]byte) {
	t.Helper()
	for i, path := range b.disks {
		var err error
		if was[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return was
}

func TestAnOrderThatDestroysDataNeedsAPermitOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		order  func(*bench, *wire.Order)
		reason string
		says   string
	}{
		"of another order":        {func(b *bench, _ *wire.Order) { b.permits(func(p *wire.Permit) { p.Order = "o0" }) }, wire.ReasonPermit, "another order"},
		"of another machine":      {func(b *bench, _ *wire.Order) { b.permits(func(p *wire.Permit) { p.UUID = "another" }) }, wire.ReasonPermit, "UUID another"},
		"without the disk":        {func(b *bench, _ *wire.Order) { b.permits(func(p *wire.Permit) { p.Disks = p.Disks[:1] }) }, wire.ReasonPermit, "not in the order's permit"},
		"for a disk of that name": {func(b *bench, _ *wire.Order) { b.permits(func(p *wire.Permit) { p.Disks[1].Bytes++ }) }, wire.ReasonPermit, "not in the order's permit"},
		"that nobody signed": {func(_ *bench, o *wire.Order) {
			o.Permit = agenttest.Sign(wire.Permit{Order: "o1"})
			o.Permit.Permit = bytes.Replace(o.Permit.Permit, []byte("o1"), []byte("o2"), 1)
		}, wire.ReasonPermit, "not signed by this server"},
		"that is no permit": {func(_ *bench, o *wire.Order) { o.Permit = &wire.SignedPermit{} }, wire.ReasonPermit, "not signed"},
		"for an empty disk": {func(b *bench, _ *wire.Order) {
			b.permits(func(p *wire.Permit) { p.Disks[1].Holds = wire.HoldsNothing })
			b.put(1, 0, "XFSB")
		}, wire.ReasonForeign, "holds XFS"},
		"for a disk of ours": {func(b *bench, _ *wire.Order) {
			b.permits(func(p *wire.Permit) { p.Disks[1].Holds, p.Disks[1].Owner = wire.HoldsOurs, "op-0" })
			b.put(1, 512, "LABELONE")
			b.put(1, 536, "LVM2 001")
		}, wire.ReasonForeign, "no record"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 48)
			o := b.order("S1")
			c.order(b, &o)
			was := b.contents(t)
			b.Order(o)
			stop, _ := b.run(t)
			defer stop()
			e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Refused })
			if err != nil || e.Reason != c.reason || !strings.Contains(e.Detail, c.says) || e.Hint == "" {
				t.Errorf("%+v, %v", e, err)
			}
			b.untouched(t, was)
		})
	}
}

// put writes on a disk behind the agent's back.
func (b *bench) put(disk int, at int64, text string) {
	f, err := os.OpenFile(b.disks[disk], os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte(text), at)
	}
	if err != nil {
		panic(err)
	}
	f.Close()
}

func TestADiskThatWentWhileAnotherCameToItsPlaceIsNotWritten(t *testing.T) {
	b := newBench(t, 48)
	var opened atomic.Bool // the facts are read beside the order, too
	facts, open := b.world.Facts, b.world.Open
	b.world.Facts = func() inventory.Facts {
		f := facts()
		f.Disks = slices.Clone(f.Disks)
		if opened.Load() {
			f.Disks[1].Serial = "OTHER"
		}
		return f
	}
	b.world.Open = func(path string) (agent.Disk, error) { opened.Store(true); return open(path) }
	was := b.contents(t)
	b.Order(b.order("S1"))
	stop, _ := b.run(t)
	defer stop()
	if e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Refused }); err != nil || !strings.Contains(e.Detail, "not at") {
		t.Errorf("%+v, %v", e, err)
	}
	b.untouched(t, was)
}

// TestOneFunctionOpensDisks reads the sources: whatever writes to a disk got it from open,
// which looks at the permit.
func TestOneFunctionOpensDisks(t *testing.T) {
	opener := func(path string, name string) bool { return path == "permit.go" && name == "open" }
	lawful := map[string]string{"disk/device.go": "the opener that the program gives to the agent", "ipmi/device.go": "the BMC's", "rescue/terminal.go": "a terminal",
		"system/place.go": "a file in a file system that was just written"}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "serve/") || strings.HasPrefix(path, "agenttest/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			name := ""
			if f, ok := d.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, _ := s.X.(*ast.Ident)
				switch {
				case x == nil:
				case filepath.Dir(path) == "." && s.Sel.Name == "Open" && (x.Name == "a" || x.Name == "World") && !opener(path, name):
					t.Errorf("%s: %s opens a disk past the permit", path, name)
				case x.Name == "disk" && s.Sel.Name == "Open":
					t.Errorf("%s: %s opens a disk itself", path, name)
				case (s.Sel.Name == "O_RDWR" || s.Sel.Name == "O_WRONLY") && lawful[path] == "" && !strings.HasPrefix(path, "efi/") && !strings.HasPrefix(path, "rootfs/"):
					t.Errorf("%s: %s opens something for writing: is it a disk?", path, name)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
