package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/racksim"
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

func TestARackOfMockupsIsGood(t *testing.T) {
	out, err := runCommand("", "check", "-f", "../../docs/examples/racksim-mockups.yaml")
	if err != nil || out != "rack r1 is good: 3 machine(s)\n" {
		t.Errorf("%q, %v", out, err)
	}
	text := "{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc, faults: [{kind: fire}]}}]}"
	if _, err := runCommand(text, "check", "-f", "-"); err == nil || !strings.Contains(err.Error(), "fire") {
		t.Errorf("a fault nobody knows: %v", err)
	}
}

func TestMockupsListsTheVendors(t *testing.T) {
	out, err := runCommand("", "mockups")
	if err != nil || !strings.Contains(out, "dell-idrac9") || !strings.Contains(out, "nvidia-gb300") {
		t.Errorf("%q, %v", out, err)
	}
	if out, err = runCommand("", "mockups", "hpe-ilo6"); err != nil || !strings.Contains(out, "ProLiant DL380 Gen11") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := runCommand("", "mockups", "/no/such"); fault.HintOf(err) == "" {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestPlanNamesPasswordFilesAndPrintsNoPassword(t *testing.T) {
	text := "{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, password: hush-hush}}]}"
	out, err := runCommand(text, "plan", "-f", "-", "--state", t.TempDir())
	if err != nil || !strings.Contains(out, "password_file: /") || strings.Contains(out, "hush-hush") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFirmwareMakesAFileThatMachinesTake(t *testing.T) {
	out, err := runCommand("", "firmware", "--component", "NIC.1", "--version", "2.1", "--size", "100KiB", "-o", "-")
	if err != nil || !strings.HasPrefix(out, "racksim-firmware component=NIC.1 version=2.1 sha256=") {
		t.Fatalf("%v\n%.100q", err, out)
	}
	if f, err := racksim.ReadFirmware(strings.NewReader(out)); err != nil || f.Version != "2.1" {
		t.Errorf("%+v, %v", f, err)
	}
	path := filepath.Join(t.TempDir(), "x.bin")
	for _, args := range [][]string{{"--version", "", "-o", path}, {"--version", "1"}, {"--version", "1", "-o", path, "--size", "1TiB"}, {"--version", "a b", "-o", path}} {
		if _, err := runCommand("", append([]string{"firmware"}, args...)...); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused file was left")
	}
}
