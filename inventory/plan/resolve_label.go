package plan

import (
	"maps"
	"regexp"
	"slices"

	"rackwright/inventory"
)

// How many labels, tags and waivers one noun may have, and how long their names are.
const (
	maxLabels = 64
	maxKey    = 63
)

var keyForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`)

// labels checks the labels and tags of a noun. A tag is a label without a value, so one
// name cannot be both.
func (r *resolver) labels(p place, labels map[string]string, tags []string) (map[string]string, []string) {
	if len(labels) > maxLabels {
		r.fail(p.of(".labels"), "%d labels are more than %d", len(labels), maxLabels)
		return nil, nil
	}
	if len(tags) > maxLabels {
		r.fail(p.of(".tags"), "%d tags are more than %d", len(tags), maxLabels)
		return nil, nil
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		r.key(p.of(".labels"), key)
		r.text(p.of(".labels"), labels[key])
		if labels[key] == "" {
			r.fail(p.of(".labels"), "%.70q has no value: write it under tags", key)
		}
	}
	for i, tag := range tags {
		r.key(p.item(".tags", i), tag)
		if _, both := labels[tag]; both || slices.Contains(tags[:i], tag) {
			r.fail(p.item(".tags", i), "%.70q is a label or tag already", tag)
		}
	}
	if len(labels) == 0 {
		labels = nil
	}
	if len(tags) == 0 {
		return maps.Clone(labels), nil
	}
	return maps.Clone(labels), slices.Sorted(slices.Values(tags))
}

func (r *resolver) key(p place, s string) {
	if len(s) > maxKey || !keyForm.MatchString(s) {
		r.fail(p, "%.70q is not the name of a label: use 1 to %d letters, digits and . _ / - inside", s, maxKey)
	}
}

func (r *resolver) waivers(p place, list []inventory.Waiver) []inventory.Waiver {
	if len(list) > maxLabels {
		r.fail(p.of(".waive"), "%d waivers are more than %d", len(list), maxLabels)
		return nil
	}
	for i, w := range list {
		if !Waivable(w.Rule) {
			r.fail(p.item(".waive", i).of(".rule"), "%.70q is no rule that can be waived", w.Rule)
		}
		r.text(p.item(".waive", i).of(".on"), w.On)
		r.text(p.item(".waive", i).of(".reason"), w.Reason)
		if w.Reason == "" {
			r.fail(p.item(".waive", i).of(".reason"), "say why %s may pass", w.Rule)
		}
	}
	return slices.Clone(list)
}

func (r *resolver) project(p place, n Project) {
	r.name(p.of(".name"), n.Name)
	r.once(p.of(".name"), claim{what: "project", text: n.Name}, p.base)
	out := inventory.Project{Name: n.Name}
	out.Labels, _ = r.labels(p, n.Labels, nil)
	r.out.Projects = append(r.out.Projects, out)
}
