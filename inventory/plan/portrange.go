package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rackwright/inventory"
)

// maxPorts is how many ports one device may have.
const maxPorts = 1024

// portRange is a name that stands for several: a number, a dash and a number at its end.
var portRange = regexp.MustCompile(`^(.*?)(\d+)-(\d+)$`)

// portForm is what a port, a power supply or a bay may be called.
var portForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9 ._/:+-]{0,62}[A-Za-z0-9])?$`)

// PortNames expands Ethernet1-48 to 48 names. A first number that begins with 0 keeps
// its width: 01-12.
func PortNames(name string) ([]string, error) {
	if !portForm.MatchString(name) {
		return nil, fmt.Errorf("%.70q is not the name of a port: use 1 to 64 letters, digits and ._/:+-", name)
	}
	m := portRange.FindStringSubmatch(name)
	if m == nil {
		return []string{name}, nil
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	if len(m[2]) > 6 || len(m[3]) > 6 || last < first || last-first >= maxPorts {
		return nil, fmt.Errorf("%s is not a range of 1 to %d ports", name, maxPorts)
	}
	width := 0
	if m[2][0] == '0' {
		width = len(m[2])
	}
	out := make([]string, 0, last-first+1)
	for n := first; n <= last; n++ {
		out = append(out, m[1]+pad(n, width))
	}
	return out, nil
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(width-len(s), 0)) + s
}

// expandPorts writes ranges out. Ports that cannot be are left out; Resolve has told them.
func expandPorts(list []inventory.Port) (out []inventory.Port) {
	for _, p := range list {
		names, _ := PortNames(p.Name)
		for _, name := range names {
			if len(out) == maxPorts {
				return out
			}
			each := p
			each.Name, each.Cable = name, clone(p.Cable)
			out = append(out, each)
		}
	}
	return out
}

// numbered splits a port's name before the number at its end; ok is false without one.
func numbered(name string) (prefix, digits string, ok bool) {
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	return name[:i], name[i:], i < len(name) && len(name)-i <= 6
}

// compactPorts writes ports as ranges wherever they are alike and follow each other; it
// undoes expandPorts and the replacement of {port}.
func compactPorts(list []inventory.Port) (out []inventory.Port) {
	for i := 0; i < len(list); {
		n, circuit := run(list[i:])
		p := list[i]
		if n > 1 {
			prefix, first, _ := numbered(p.Name)
			_, last, _ := numbered(list[i+n-1].Name)
			p.Name, p.Circuit = prefix+first+"-"+last, circuit
		}
		out = append(out, p)
		i += n
	}
	return out
}

// run is how many ports from the first on one range can stand for, and its circuit.
func run(list []inventory.Port) (int, string) {
	for _, circuit := range circuitForms(list[0]) {
		if n := runOf(list, circuit); n > 1 {
			return n, circuit
		}
	}
	return 1, ""
}

func runOf(list []inventory.Port, circuit string) int {
	prefix, digits, ok := numbered(list[0].Name)
	if !ok || list[0].Cable != nil || !portForm.MatchString(list[0].Name+"-1") {
		return 1
	}
	width, next, n := 0, 0, 1
	if digits[0] == '0' {
		width = len(digits)
	}
	next, _ = strconv.Atoi(digits)
	for _, p := range list[1:] {
		next++
		if p.Name != prefix+pad(next, width) || p.Connector != list[0].Connector || p.Cable != nil || p.Circuit != circuitOf(circuit, p.Name) {
			break
		}
		n++
	}
	if last := prefix + digits + "-" + pad(next, width); n > 1 && !portForm.MatchString(last) {
		return 1
	}
	return n
}

// circuitForms are the ways in which a port's circuit may have been written for a range.
func circuitForms(p inventory.Port) []string {
	if p.Circuit == "" {
		return []string{""}
	}
	out := []string{p.Circuit, strings.ReplaceAll(p.Circuit, p.Name, "{port}"), strings.Replace(p.Circuit, p.Name, "{port}", 1)}
	if i := strings.LastIndex(p.Circuit, p.Name); i >= 0 {
		out = append(out, p.Circuit[:i]+"{port}"+p.Circuit[i+len(p.Name):])
	}
	return out
}

// circuitOf is the circuit of one port where the plan says it for several.
func circuitOf(circuit, port string) string { return strings.ReplaceAll(circuit, "{port}", port) }
