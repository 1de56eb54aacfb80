package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/plan"
)

// write keeps the plan as a file for review. The password is not in it: the file says
// where it stands.
func (i *importing) write(p plan.Plan) error {
	text, err := i.yaml(p)
	if err != nil {
		return err
	}
	if i.out == "-" {
		_, err = i.w.out.Write(text)
	} else {
		err = replaceFile(i.out, text)
	}
	if err != nil {
		return fault.Invalidf("write the plan: %w", err).WithHint("name a file you can write with --out")
	}
	if i.out != "-" {
		fmt.Fprintf(i.w.err, "Wrote %s. Look at it with 'rackwright plan -f %s'.\n", i.out, i.out)
	}
	return nil
}

func (i *importing) yaml(p plan.Plan) ([]byte, error) {
	var node yaml.Node
	if err := node.Encode(p); err != nil {
		return nil, fault.Internalf("encode plan: %w", err)
	}
	name, err := filepath.Abs(i.passwordFile)
	if err != nil {
		return nil, fault.Invalidf("%s: %w", i.passwordFile, err)
	}
	passwordFiles(&node, name)
	var out bytes.Buffer
	if at, err := i.w.where(); err == nil && strings.HasPrefix(at.Server, "http") {
		fmt.Fprintf(&out, "# yaml-language-server: $schema=%s%s/schemas/plan\n", strings.TrimSuffix(at.Server, "/"), wire.Prefix)
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return nil, fault.Internalf("encode plan: %w", err)
	}
	return out.Bytes(), nil
}

// passwordFiles puts the file in the place of its password.
func passwordFiles(n *yaml.Node, name string) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Value == "bmc" {
			bmc := n.Content[i+1]
			for j := 0; j+1 < len(bmc.Content); j += 2 {
				if bmc.Content[j].Value == "password" {
					bmc.Content[j].Value = "password_file"
					*bmc.Content[j+1] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
				}
			}
		}
		passwordFiles(c, name)
	}
}

// replaceFile writes a file whole or not at all, readable by its owner alone.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".rackwright-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all is well
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
