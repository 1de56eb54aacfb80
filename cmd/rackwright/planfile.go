package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/plan"
)

// planFiles is a plan read from files, and where each of its parts stands in them.
type planFiles struct {
	plan  plan.Plan
	lines map[string]string // path as faults name it -> file:line
	warn  func(string)
	read  int // bytes so far
}

// readPlan reads a file, all *.yaml, *.yml and *.json of a directory in the order of
// their names, or standard input ("-"). Several files and documents make one plan.
func readPlan(w *world, name string) (*planFiles, error) {
	told := map[string]bool{} // a file that many machines name is warned of once
	p := &planFiles{lines: map[string]string{}, warn: func(s string) {
		if !told[s] {
			told[s] = true
			fmt.Fprintln(w.err, "rackwright: warning: "+oneLine(s))
		}
	}}
	files, err := planNames(name)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := p.file(w.in, file); err != nil {
			return nil, err
		}
	}
	_, err = p.plan.Resolve()
	return p, p.locate(err)
}

// planNames lists the files that a -f names.
func planNames(name string) ([]string, error) {
	hint := "name a YAML or JSON file, a directory of them, or - for standard input with -f"
	if name == "" {
		return nil, fault.Invalidf("which plan?").WithHint("%s", hint)
	}
	if name == "-" {
		return []string{"-"}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.Invalidf("read plan: %w", err).WithHint("%s", hint)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	entries, err := os.ReadDir(name)
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if err == nil && len(files) == 0 {
		return nil, fault.Invalidf("%s holds no .yaml, .yml or .json file", name).WithHint("%s", hint)
	}
	if err != nil {
		return nil, fault.Invalidf("read plan: %w", err)
	}
	return files, nil
}

// file reads all documents of a file into the plan.
func (p *planFiles) file(stdin io.Reader, name string) error {
	from, shown := stdin, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fault.Invalidf("read plan: %w", err)
		}
		defer f.Close()
		from, shown = f, name
	}
	text, err := io.ReadAll(io.LimitReader(from, wire.MaxPlan+1))
	if err != nil {
		return fault.Invalidf("read plan: %w", err)
	}
	if p.read += len(text); p.read > wire.MaxPlan {
		return fault.Invalidf("the plan is larger than %d MiB", wire.MaxPlan>>20).WithHint("apply it in parts, e.g. a file a rack")
	}
	docs := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if err := docs.Decode(&doc); err == io.EOF {
			return nil
		} else if err != nil {
			return fault.Invalidf("%s: %s", shown, strings.TrimPrefix(err.Error(), "yaml: ")).WithHint("correct the YAML at that line")
		}
		if err := p.document(shown, filepath.Dir(name), &doc); err != nil {
			return err
		}
	}
}

// document adds one document to the plan.
func (p *planFiles) document(file, dir string, doc *yaml.Node) error {
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil
	}
	c := strictWalk{file: file, dir: dir, lines: p.lines, warn: p.warn,
		base: map[string]int{"projects": len(p.plan.Projects), "models": len(p.plan.Models), "networks": len(p.plan.Networks), "racks": len(p.plan.Racks)}}
	c.walk("", doc.Content[0], reflect.TypeFor[plan.Plan](), 0)
	if len(c.bad) > 0 {
		return &fault.Error{Kind: fault.Invalid, Message: "the plan cannot be read (" + count(len(c.bad), "fault") + ")", Fields: c.bad,
			Hint: "docs/running/rack.md describes the plan; nothing was changed"}
	}
	var part plan.Plan
	if err := doc.Decode(&part); err != nil {
		return fault.Invalidf("%s: %s", file, oneLine(strings.TrimPrefix(err.Error(), "yaml: "))).WithHint("correct the value at that line")
	}
	if part.Site != "" && p.plan.Site != "" && part.Site != p.plan.Site {
		return fault.Invalidf("%s: site %s, but the plan began with site %s", p.lines["site"], part.Site, p.plan.Site).WithHint("apply one site at a time")
	}
	if part.Site != "" {
		p.plan.Site = part.Site
	}
	p.plan.Projects = append(p.plan.Projects, part.Projects...)
	p.plan.Models = append(p.plan.Models, part.Models...)
	p.plan.Networks = append(p.plan.Networks, part.Networks...)
	p.plan.Racks = append(p.plan.Racks, part.Racks...)
	return nil
}

// locate puts file and line before the fields of a fault about the plan.
func (p *planFiles) locate(err error) error {
	f, ok := err.(*fault.Error)
	if !ok {
		return err
	}
	located, nouns := *f, p.nouns()
	located.Fields = slices.Clone(f.Fields)
	for i, field := range located.Fields {
		path := strings.TrimPrefix(field.Path, "body.")
		if noun, named := nouns[path]; named {
			path = noun
		}
		for ; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
			if at, ok := p.lines[path]; ok {
				located.Fields[i].Path = at + " (" + field.Path + ")"
				break
			}
		}
	}
	return &located
}

// nouns are the paths of the plan's nouns by what the server calls them, e.g. "machine m1".
func (p *planFiles) nouns() map[string]string {
	out := map[string]string{}
	for i, n := range p.plan.Networks {
		out["network "+n.Name] = fmt.Sprintf("networks[%d]", i)
	}
	for i, r := range p.plan.Racks {
		out["rack "+r.Name] = fmt.Sprintf("racks[%d]", i)
		for j, d := range r.Devices {
			out["device "+d.Name] = fmt.Sprintf("racks[%d].devices[%d]", i, j)
		}
		for j, m := range r.Machines {
			out["machine "+m.Name] = fmt.Sprintf("racks[%d].machines[%d]", i, j)
		}
	}
	return out
}
