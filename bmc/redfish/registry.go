package redfish

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

const maxValues = 1000 // of one enumeration

// registry is what we use of the AttributeRegistry schema (DSP0268).
type registry struct {
	resource
	RegistryEntries struct{ Attributes []attribute }
}

// attribute is one setting as the registry defines it.
type attribute struct {
	AttributeName          string
	Type                   string // Enumeration, String, Integer, Boolean, Password
	ReadOnly               bool
	LowerBound, UpperBound *int64
	MinLength, MaxLength   *int64
	Value                  []struct{ ValueName string }
}

// registryFile is what we use of the MessageRegistryFile schema, which lists attribute
// registries as well.
type registryFile struct {
	resource
	Registry string
	Location []struct{ Language, URI string }
}

// attributesOf reads the registry that a Bios resource names, once; nothing where it cannot
// be read: it is a help, and old BMCs have none.
func (c *Controller) attributesOf(ctx context.Context, b *bios) map[string]attribute {
	if c.remember.registry == nil {
		r, err := c.findRegistry(ctx, b.AttributeRegistry)
		if err != nil {
			c.log.Debug("bmc attribute registry unreadable", "err", c.explain("read the attribute registry", err))
		}
		if r == nil {
			return nil
		}
		c.remember.registry = r
	}
	out := map[string]attribute{}
	for _, a := range c.remember.registry.RegistryEntries.Attributes {
		if len(out) < maxAttributes {
			out[a.AttributeName] = a
		}
	}
	return out
}

// findRegistry looks among the service's registries for the one of that name, in English
// or in the only language there is.
func (c *Controller) findRegistry(ctx context.Context, name string) (*registry, error) {
	if name == "" || c.root.Registries.URI == "" {
		return nil, nil
	}
	client := c.under(ctx)
	list, err := get[collection](client, c.root.Registries.URI)
	if err != nil {
		return nil, err
	}
	for _, uri := range list.uris() {
		if !sameRegistry(lastOf(uri), name) {
			continue
		}
		file, err := get[registryFile](client, uri)
		if err != nil {
			return nil, err
		}
		for _, at := range file.Location {
			if at.URI != "" && (len(file.Location) == 1 || prefix(at.Language, "en") || at.Language == "default") {
				return get[registry](client, at.URI)
			}
		}
	}
	return nil, nil
}

// sameRegistry compares names with and without version: BiosAttributeRegistryU32.v1_2_40
// and BiosAttributeRegistryU32.
func sameRegistry(a, b string) bool {
	bare := func(s string) string { s, _, _ = strings.Cut(s, "."); return s }
	return strings.EqualFold(a, b) || strings.EqualFold(bare(a), bare(b))
}

// typed gives values their types. All that are wrong are Invalid at once.
func (c *Controller) typed(ctx context.Context, now *bios, values map[string]string) (map[string]any, error) {
	defined := c.attributesOf(ctx, now)
	out := map[string]any{}
	bad := fault.Invalidf("BMC %s cannot take these BIOS settings", c.access.Address).
		WithHint("read the settings; the names and values are the BIOS's own, in its upper and lower case")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		raw, there := now.Attributes[name]
		a, known := defined[name]
		var value any
		why := "there is no such setting"
		switch {
		case known:
			value, why = a.parse(values[name])
		case there:
			value, why = likewise(raw, values[name])
		}
		if why != "" {
			bad.Fields = append(bad.Fields, fault.Field{Path: tidy(name), Message: why})
		}
		out[name] = value
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	return out, nil
}

// parse reads a value as the registry defines it, or says why it cannot be one.
func (a attribute) parse(text string) (value any, why string) {
	if a.ReadOnly {
		return nil, "it cannot be changed"
	}
	switch a.Type {
	case "Password":
		return nil, "it is a password, which is no setting"
	case "Boolean":
		return boolean(text)
	case "Integer":
		return a.integer(text)
	case "Enumeration":
		return a.choice(text)
	}
	if n := int64(len(text)); a.MinLength != nil && n < *a.MinLength || a.MaxLength != nil && *a.MaxLength > 0 && n > *a.MaxLength {
		return nil, "its length is out of bounds"
	}
	return text, ""
}

func (a attribute) integer(text string) (any, string) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, "it is a whole number"
	case a.LowerBound != nil && n < *a.LowerBound:
		return nil, "it is " + strconv.FormatInt(*a.LowerBound, 10) + " or more"
	case a.UpperBound != nil && n > *a.UpperBound:
		return nil, "it is " + strconv.FormatInt(*a.UpperBound, 10) + " or less"
	}
	return n, ""
}

func (a attribute) choice(text string) (any, string) {
	var names []string
	for _, v := range a.Value[:min(len(a.Value), maxValues)] {
		if v.ValueName == text {
			return text, ""
		}
		names = append(names, v.ValueName)
	}
	if len(names) == 0 {
		return text, ""
	}
	return nil, "it is one of " + tidy(strings.Join(names, ", "))
}

// likewise reads a value as what stands there now: without a registry that is all that is
// known.
func likewise(raw json.RawMessage, text string) (value any, why string) {
	var now any
	_ = json.Unmarshal(raw, &now) // then it is none of the types
	switch now.(type) {
	case bool:
		return boolean(text)
	case float64:
		return attribute{}.integer(text)
	}
	return text, ""
}

func boolean(text string) (any, string) {
	if text != "true" && text != "false" {
		return nil, "it is true or false"
	}
	return text == "true", ""
}
