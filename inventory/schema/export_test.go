package schema

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"rackwright/inventory/plan"
)

// Forms are the fields that are narrowed by hand, as Type.key.
func Forms() []string { return slices.Sorted(maps.Keys(forms)) }

// Fields are all fields of a plan, as Type.key.
func Fields() map[string]bool {
	out := map[string]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || known(t) != nil {
			return
		}
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			out[Name(t)+"."+key] = true
			walk(t.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[plan.Plan]())
	return out
}
