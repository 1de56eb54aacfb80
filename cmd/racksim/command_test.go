package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"rackwright/fault"
)

func runCommand(in string, args ...string) (string, error) {
	var out bytes.Buffer
	c := command(&out, &out)
	c.SetIn(strings.NewReader(in))
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	return out.String(), err
}

func TestCheckJudgesARackFile(t *testing.T) {
	out, err := runCommand("", "check", "-f", "../../docs/examples/racksim-two.yaml")
	if err != nil || out != "rack r1 is good: 2 machine(s)\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := runCommand("rakc: r1", "check", "-f", "-"); err == nil || !strings.Contains(err.Error(), "rakc") || fault.HintOf(err) == "" {
		t.Errorf("typing error: %v, hint %q", err, fault.HintOf(err))
	}
	if _, err := runCommand("", "check"); fault.HintOf(err) == "" {
		t.Errorf("no file: %v", err)
	}
}

func TestTheRackFileInTheHelpIsGood(t *testing.T) {
	if _, err := runCommand(example, "check", "-f", "-"); err != nil {
		t.Error(err)
	}
}

func TestPlanNamesPasswordFilesAndPrintsNoPassword(t *testing.T) {
	text := "{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, password: hush-hush}}]}"
	out, err := runCommand(text, "plan", "-f", "-", "--state", t.TempDir())
	if err != nil || !strings.Contains(out, "password_file: /") || strings.Contains(out, "hush-hush") {
		t.Errorf("%v\n%s", err, out)
	}
}
