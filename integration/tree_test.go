package integration

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// imported is one import and the file, by its path in the tree, that has it.
type imported struct{ file, path string }

// readTree parses the imports of every Go file but tests, whatever its build constraints,
// by room. Files marked "ignore" by convention stand outside packages and are in scripts.
func readTree(root string) (map[string][]imported, error) {
	tree := map[string][]imported{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "out" || name == "scripts"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		return readFile(tree, root, path)
	})
	return tree, err
}

func readFile(tree map[string][]imported, root, path string) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	room := filepath.ToSlash(filepath.Dir(rel))
	tree[room] = append(tree[room], imported{rel, "unsafe"}) // the room exists, whatever it imports
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		tree[room] = append(tree[room], imported{rel, p})
	}
	return nil
}

// violations lists what breaks the law, each naming file, import and rule.
func violations(tree map[string][]imported) (found []string) {
	for _, room := range slices.Sorted(maps.Keys(tree)) {
		if floorOf(room) < 0 && !isSuite(room) {
			found = append(found, fmt.Sprintf("%s: the room %s stands on no floor: add it to docs/architecture.md, section 3, and to floors()", tree[room][0].file, room))
		}
		for _, i := range tree[room] {
			if rule := broken(room, i.path); rule != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", i.file, i.path, rule))
			}
		}
		if room != "cmd/rackwright-agent" && !below(room, "agent") || below(room, "agent/serve") {
			continue
		}
		if way := agentReaches(tree, room); way != "" {
			found = append(found, way)
		}
	}
	return found
}

// broken returns the rule that an import breaks, "" for none.
func broken(room, path string) string {
	target, ours := strings.CutPrefix(path, "rackwright/")
	for _, l := range libraries() {
		for _, p := range l.prefixes {
			if below(path, p) && (!belowAny(room, l.rooms) || belowAny(room, l.except)) {
				return fmt.Sprintf("%s appears only in %s", p, strings.Join(l.rooms, ", "))
			}
		}
	}
	from, to := floorOf(room), floorOf(target)
	switch {
	case isSuite(room):
		return "" // a suite is a test that others run
	case ours && isSuite(target):
		return "only tests run a suite"
	case from == 1 && !isStandard(path) && target != "fault" && target != "line" && target != "inventory":
		return "the domain (floor 1) imports the standard library, fault, line and inventory only"
	case !ours || target == "fault" && room != "fault":
		return ""
	case below(room, "racksim") && !below(target, "racksim") && target != "agent/wire" && target != "inventory" && target != "images":
		return "racksim knows nothing of the server but agent/wire and the nouns in its messages"
	case below(room, "integration") && below(target, "integration"):
		return "" // one house of its own: the laboratory and what is done in it
	case to < 0:
		return "the room imported stands on no floor"
	case from >= 0 && to >= from && !(from == 1 && target == "inventory" && room != "inventory"):
		return fmt.Sprintf("floor %d imports floor %d; a package imports lower floors only", from, to)
	}
	return ""
}

// agentReaches walks the agent's imports for what must not stand in a ramdisk, and names
// the way it found.
func agentReaches(tree map[string][]imported, start string) string {
	type step struct{ room, way, file string }
	seen, queue := map[string]bool{start: true}, []step{{start, start, ""}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, i := range tree[at.room] {
			target, ours := strings.CutPrefix(i.path, "rackwright/")
			if !ours || seen[target] {
				continue
			}
			seen[target] = true
			next := step{target, at.way + " -> " + target, at.file}
			if next.file == "" {
				next.file = i.file
			}
			for _, far := range []string{"store", "api", "bmc", "deploy", "agent/serve"} {
				if below(target, far) {
					return fmt.Sprintf("%s: the agent reaches %s: %s", next.file, far, next.way)
				}
			}
			queue = append(queue, next)
		}
	}
	return ""
}

// floorOf returns the floor of a room, -1 for none.
func floorOf(room string) int {
	for floor, rooms := range floors() {
		for _, r := range rooms {
			if prefix, all := strings.CutSuffix(r, "/..."); room == r || all && below(room, prefix) {
				return floor
			}
		}
	}
	return -1
}

// isSuite: "...test exports a suite" of the room it stands in.
func isSuite(room string) bool { return strings.HasSuffix(room, "test") && strings.Contains(room, "/") }

// isStandard: the first element of any other module's path has a dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "rackwright" && !strings.Contains(first, ".")
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func belowAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return below(path, f) })
}
