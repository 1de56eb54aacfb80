package netbox

import (
	"math"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// airflows are ours for those of NetBox.
var airflows = map[Choice]string{"front-to-rear": "front-to-rear", "rear-to-front": "rear-to-front", "left-to-right": "side", "right-to-left": "side", "side-to-rear": "side",
	"rear-to-side": "side", "passive": "passive"}

// model is the name of the device's model, which is made when it is first used. One device
// type used as two kinds makes two models.
func (b *builder) model(t *thing) string {
	if t.model == nil {
		return ""
	}
	given := t.model.Slug
	if m := t.model.Manufacturer.slug(); m != "" && !strings.HasPrefix(given, m) {
		given = m + "-" + given
	}
	for i := range b.out.Models {
		if m := &b.out.Models[i]; m.Name == b.modelOf[t.model.ID] && m.Kind != t.kind {
			given += "-" + string(t.kind)
			break
		}
	}
	name, wrong := b.names.Of("model", given)
	if wrong != "" {
		b.notes.add("device types left out for their slugs", "%s", wrong)
		return ""
	}
	if b.used["model "+name] {
		return name
	}
	b.used["model "+name] = true
	if b.modelOf[t.model.ID] == "" {
		b.modelOf[t.model.ID] = name
	}
	b.out.Models = append(b.out.Models, plan.Model{Name: name, Build: b.build(t, name)})
	return name
}

// build is what a device type says of each thing of it.
func (b *builder) build(t *thing, name string) inventory.Build {
	m := t.model
	out := inventory.Build{Kind: t.kind, Product: clean(m.Model), FullDepth: m.FullDepth, WeightKG: kilograms(m.Weight, m.WeightUnit), Airflow: airflows[m.Airflow]}
	if m.Manufacturer != nil {
		out.Vendor = clean(m.Manufacturer.Name)
	}
	if whole := math.Ceil(float64(m.UHeight)); whole > 1 {
		out.Height = int(whole)
	}
	if math.Trunc(float64(m.UHeight)) != float64(m.UHeight) {
		b.notes.add("device types whose height is no whole number, rounded up", "%s of %v units", name, m.UHeight)
	}
	if m.Airflow != "" && out.Airflow == "" {
		b.notes.add("kinds of airflow that are not known, left out", "%s of %s", m.Airflow, name)
	}
	return out
}
