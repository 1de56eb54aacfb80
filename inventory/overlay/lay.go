package overlay

import (
	"reflect"
	"slices"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// lay returns have with each field that said says in its place: lists of named things by
// name, labels by key, tags as a union, any other list whole.
func lay[T any](have, said T) T {
	layValue(reflect.ValueOf(&have).Elem(), reflect.ValueOf(said))
	return have
}

func layValue(have, said reflect.Value) {
	if said.IsZero() {
		return
	}
	switch {
	case said.Kind() == reflect.Struct && said.Type() != reflect.TypeFor[inventory.End]():
		for i := range said.NumField() {
			layValue(have.Field(i), said.Field(i))
		}
	case said.Kind() == reflect.Pointer && !have.IsNil():
		fresh := reflect.New(said.Type().Elem()) // have may be shared with the caller
		fresh.Elem().Set(have.Elem())
		layValue(fresh.Elem(), said.Elem())
		have.Set(fresh)
	case said.Kind() == reflect.Map && !have.IsNil():
		fresh := reflect.MakeMap(said.Type())
		for _, from := range []reflect.Value{have, said} {
			for _, k := range from.MapKeys() {
				fresh.SetMapIndex(k, from.MapIndex(k))
			}
		}
		have.Set(fresh)
	case said.Kind() == reflect.Slice:
		have.Set(layList(have, said))
	default:
		have.Set(said)
	}
}

// layList joins two lists: what have holds, in its order, then what only said has.
func layList(have, said reflect.Value) reflect.Value {
	key := keyOf(said.Type().Elem())
	if key == nil {
		return said
	}
	out := reflect.MakeSlice(said.Type(), 0, have.Len()+said.Len())
	out = reflect.AppendSlice(out, have)
	at := map[string]int{}
	for i := range have.Len() {
		at[key(have.Index(i))] = i
	}
	for i := range said.Len() {
		if j, known := at[key(said.Index(i))]; known {
			layValue(out.Index(j), said.Index(i))
		} else {
			out = reflect.Append(out, said.Index(i))
		}
	}
	return out
}

// keyOf tells what one element of a list is called; nil for a list without names.
func keyOf(t reflect.Type) func(reflect.Value) string {
	if t.Kind() == reflect.String {
		return reflect.Value.String
	}
	if t.Kind() == reflect.Struct {
		if _, ok := t.FieldByName("Name"); ok {
			return func(v reflect.Value) string { return v.FieldByName("Name").String() }
		}
	}
	return nil
}

// merged lays one list of nouns over another.
func merged[T any](have, said []T) []T {
	if len(said) == 0 {
		return have
	}
	return layList(reflect.ValueOf(have), reflect.ValueOf(said)).Interface().([]T)
}

// keep drops the nouns that neither said names nor a rack of the plan uses.
func keep(p *plan.Plan, said plan.Plan) {
	used := map[string]bool{}
	for _, r := range p.Racks {
		for _, d := range r.Devices {
			used["model "+d.Model] = true
		}
		for _, r := range r.Reserved {
			used["project "+r.Project] = true
		}
		for _, m := range r.Machines {
			used["model "+m.Model], used["project "+m.Project] = true, true
			use := func(network string, tagged []plan.Tagged) {
				used["network "+network] = true
				for _, t := range tagged {
					used["network "+t.Network] = true
				}
			}
			for _, n := range m.NICs {
				use(n.Network, n.VLANs)
			}
			for _, b := range m.Bonds {
				use(b.Network, b.VLANs)
			}
		}
	}
	for _, m := range said.Models {
		used["model "+m.Name] = true
	}
	for _, m := range said.Projects {
		used["project "+m.Name] = true
	}
	for _, m := range said.Networks {
		used["network "+m.Name] = true
	}
	p.Models = slices.DeleteFunc(slices.Clone(p.Models), func(m plan.Model) bool { return !used["model "+m.Name] })
	p.Projects = slices.DeleteFunc(slices.Clone(p.Projects), func(m plan.Project) bool { return !used["project "+m.Name] })
	p.Networks = slices.DeleteFunc(slices.Clone(p.Networks), func(m plan.Network) bool { return !used["network "+m.Name] })
}

// within spells out the ranges of have that said names ports of: each such port keeps what
// the range says of it. Ports of a range that said does not name are gone with it.
func within(have, said []inventory.Port) []inventory.Port {
	var out []inventory.Port
	for _, h := range have {
		inside := portsIn(h, said)
		if len(inside) == 0 {
			inside = []inventory.Port{h}
		}
		out = append(out, inside...)
	}
	return out
}

func portsIn(h inventory.Port, said []inventory.Port) (out []inventory.Port) {
	names, _ := plan.PortNames(h.Name)
	for _, s := range said {
		if slices.Contains(names, s.Name) {
			one := h
			one.Name = s.Name
			out = append(out, one)
		}
	}
	return out
}
