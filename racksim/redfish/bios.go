package redfish

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	biosPath         = systemPath + "/Bios"
	biosSettingsPath = biosPath + "/Settings"
	resetBIOSPath    = biosPath + "/Actions/Bios.ResetBios"
	biosRegistry     = "BiosAttributeRegistryRacksim.1.0.0"
)

// Types of a BIOS attribute (AttributeRegistry).
const (
	kindChoice = "Enumeration"
	kindNumber = "Integer"
	kindFlag   = "Boolean"
	kindText   = "String"
)

// maxAttributeText bounds a text attribute, characters.
const maxAttributeText = 256

// attribute is one BIOS setting. None does anything but BootMode, which is the machine's
// firmware and cannot be changed.
type attribute struct {
	name, kind, text string
	value            any // by default
	choices          []string
	low, high        int
	readOnly         bool
}

// attributes lists them by name: a few of each type, and those of the rack file.
func (s *Service) attributes() map[string]attribute {
	all := map[string]attribute{
		"BootMode":           {kind: kindChoice, text: "Firmware the machine boots with", value: s.Setup.Mode(), choices: []string{"Legacy", "UEFI"}, readOnly: true},
		"QuietBoot":          {kind: kindFlag, text: "Show a logo instead of messages", value: true},
		"BootRetries":        {kind: kindNumber, text: "Rounds through the boot order", value: 3, low: 0, high: 100},
		"ProcVirtualization": {kind: kindChoice, text: "Virtualization for guests", value: "Enabled", choices: []string{"Enabled", "Disabled"}},
		"ServiceContact":     {kind: kindText, text: "Who looks after the machine", value: ""},
	}
	for name, value := range s.Machine.Attributes {
		all[name] = guess(value)
	}
	for name, a := range all {
		a.name = name
		all[name] = a
	}
	return all
}

// guess finds the type of a rack file's attribute.
func guess(value string) attribute {
	if value == "Enabled" || value == "Disabled" {
		return attribute{kind: kindChoice, value: value, choices: []string{"Enabled", "Disabled"}}
	}
	if n, err := strconv.Atoi(value); err == nil && strconv.Itoa(n) == value && n >= 0 && n <= 1<<31 {
		return attribute{kind: kindNumber, value: n, low: 0, high: max(n, 65535)}
	}
	return attribute{kind: kindText, value: value}
}

// takes reads a value as JSON brings it; ok is false when it is not one of the attribute's.
func (a attribute) takes(value any) (any, bool) {
	switch v := value.(type) {
	case string:
		return v, a.kind == kindText && len(v) <= maxAttributeText || a.kind == kindChoice && slices.Contains(a.choices, v)
	case bool:
		return v, a.kind == kindFlag
	case float64:
		return int(v), a.kind == kindNumber && v == float64(int(v)) && int(v) >= a.low && int(v) <= a.high
	}
	return nil, false
}

// values are the attributes in force; those kept from a rack file that had other ones are
// not.
func (s *Service) values() body {
	all := body{}
	known := s.attributes()
	for name, a := range known {
		all[name] = a.value
	}
	s.memory.look(func(k *kept) {
		for name, value := range k.Attributes {
			if v, ok := known[name].takes(value); ok {
				all[name] = v
			} else if n, isInt := value.(int); isInt && known[name].kind == kindNumber {
				all[name] = n
			}
		}
	})
	return all
}

func (s *Service) pending() body {
	all := body{}
	s.memory.look(func(k *kept) { maps.Copy(all, k.Pending) })
	return all
}

func (s *Service) routeBIOS() {
	s.get(biosPath, func() body {
		b := resource(biosPath, "Bios.v1_2_2.Bios", firmwareName(s.Machine.Firmware))
		b["Attributes"], b["AttributeRegistry"] = s.values(), biosRegistry
		b["Actions"] = body{"#Bios.ResetBios": body{"target": resetBIOSPath}}
		b["@Redfish.Settings"] = s.settingsNote(biosSettingsPath)
		return b
	})
	settings := func() body {
		b := resource(biosSettingsPath, "Bios.v1_2_2.Bios", "Settings of the next reset")
		b["Attributes"], b["AttributeRegistry"] = s.pending(), biosRegistry
		return b
	}
	s.get(biosSettingsPath, settings)
	s.patch(biosSettingsPath, configureComponents, settings, s.stageAttributes)
	s.action(resetBIOSPath, configureComponents, s.resetBIOS)
	s.mux.HandleFunc("GET "+registriesPath+"/"+biosRegistry+"/registry.json", func(w http.ResponseWriter, r *http.Request) {
		writeResource(w, r, s.attributeRegistry())
	})
}

// settingsNote points to where changes of a resource are staged (DSP0266 9.10).
func (s *Service) settingsNote(path string) body {
	b := body{"@odata.type": "#Settings.v1_3_5.Settings", "SettingsObject": link(path), "SupportedApplyTimes": []string{applyOnReset}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.applied.IsZero() {
		b["Time"], b["Messages"] = s.applied.UTC().Format(time.RFC3339), []body{}
	}
	return b
}

func (s *Service) stageAttributes(c *changes) *problem {
	attributes, given := c.object("Attributes")
	if when, ok := c.object("@Redfish.SettingsApplyTime"); ok {
		at, hasTime := when.text("ApplyTime")
		c.also(when)
		if hasTime && at != applyOnReset {
			return refuse(http.StatusBadRequest, msgNotInList, at, "ApplyTime")
		}
	}
	if p := c.done(); p != nil || !given {
		return p
	}
	known, staged := s.attributes(), body{}
	for _, name := range slices.Sorted(maps.Keys(attributes.sent)) {
		a, ok := known[name]
		if !ok {
			return refuse(http.StatusBadRequest, msgUnknownProperty, name)
		}
		if a.readOnly {
			return refuse(http.StatusBadRequest, msgReadOnly, name)
		}
		v, ok := a.takes(attributes.sent[name])
		if !ok {
			return refuse(http.StatusBadRequest, msgNotInList, fmt.Sprint(attributes.sent[name]), name)
		}
		staged[name] = v
	}
	s.stage(staged)
	return nil
}

// stage adds values to those of the next reset; what is in force already needs none.
func (s *Service) stage(values body) {
	now := s.values()
	s.memory.change(func(k *kept) {
		for name, v := range values {
			if now[name] == v {
				delete(k.Pending, name)
			} else {
				k.Pending[name] = v
			}
		}
	})
}

// resetBIOS stages the values that the machine was shipped with.
func (s *Service) resetBIOS(c *changes) *problem {
	if p := c.done(); p != nil {
		return p
	}
	factory := body{}
	for name, a := range s.attributes() {
		factory[name] = a.value
	}
	s.stage(factory)
	return nil
}

// applySettings puts staged attributes into force.
func (s *Service) applySettings() {
	var names []string
	s.memory.look(func(k *kept) { names = slices.Sorted(maps.Keys(k.Pending)) })
	if len(names) == 0 {
		return
	}
	s.memory.change(func(k *kept) {
		maps.Copy(k.Attributes, k.Pending)
		clear(k.Pending)
	})
	now := s.now()
	s.mu.Lock()
	s.applied = now
	s.mu.Unlock()
	s.note(s.sel, biosPath, hapSettings, strings.Join(names, ", "))
}

// attributeRegistry says which attributes there are (DSP0268 AttributeRegistry).
func (s *Service) attributeRegistry() body {
	known, entries := s.attributes(), []body{}
	for i, name := range slices.Sorted(maps.Keys(known)) {
		a := known[name]
		e := body{"AttributeName": name, "DisplayName": name, "Type": a.kind, "DefaultValue": a.value, "ReadOnly": a.readOnly,
			"ResetRequired": true, "DisplayOrder": i, "MenuPath": "./", "HelpText": a.text, "Hidden": false, "Immutable": false}
		switch a.kind {
		case kindChoice:
			choices := []body{}
			for _, c := range a.choices {
				choices = append(choices, body{"ValueName": c, "ValueDisplayName": c})
			}
			e["Value"] = choices
		case kindNumber:
			e["LowerBound"], e["UpperBound"], e["ScalarIncrement"] = a.low, a.high, 1
		case kindText:
			e["MinLength"], e["MaxLength"] = 0, maxAttributeText
		}
		entries = append(entries, e)
	}
	return body{
		"@odata.type": "#AttributeRegistry.v1_3_8.AttributeRegistry", "Id": biosRegistry, "Name": "BIOS Attribute Registry",
		"Language": "en", "OwningEntity": "racksim", "RegistryVersion": "1.0.0",
		"SupportedSystems": []body{{"ProductName": s.Machine.Model, "FirmwareVersion": s.biosVersion()}},
		"RegistryEntries":  body{"Attributes": entries, "Menus": []body{}, "Dependencies": []body{}},
	}
}
