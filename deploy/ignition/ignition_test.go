package ignition_test

import (
	"strings"
	"testing"

	"rackwright/deploy/ignition"
	"rackwright/fault"
)

func TestAConfigurationIsJudgedByIgnitionItself(t *testing.T) {
	for text, want := range map[string]bool{
		`{"ignition":{"version":"3.0.0"}}`: true,
		`{"ignition":{"version":"2.3.0"}}`: false,
		"":                                 false,
		"#cloud-config\n{}\n":              false,
		`{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"relative"}]}}`: false,
	} {
		err := ignition.Check("config.ign", text)
		switch {
		case want && err != nil:
			t.Errorf("%s: %v", text, err)
		case !want && (!fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" || !strings.HasPrefix(err.Error(), "config.ign is no Ignition")):
			t.Errorf("%s: %v", text, err)
		case !want && strings.HasSuffix(err.Error(), ": "):
			t.Errorf("%s: no reason is told: %v", text, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`{"ignition":{"version":"3.3.0"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if err := ignition.Check("it", text); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}
