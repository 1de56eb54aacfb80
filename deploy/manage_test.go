package deploy_test

import (
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

func TestAChangeAtABMCIsOneStepThatSaysWhat(t *testing.T) {
	for want, o := range map[string]deploy.BMCOrder{
		"boot from cd (uefi)":           {Do: deploy.BMCBoot, Target: "cd", Mode: inventory.UEFI},
		"boot from pxe until cleared":   {Do: deploy.BMCBoot, Target: "pxe", Lasting: true},
		"boot from http":                {Do: deploy.BMCBoot, Target: "http", URL: "http://10.0.0.1/ipxe.efi"},
		"no boot override":              {Do: deploy.BMCBoot, Target: "none"},
		"boot order Boot0003, Boot0001": {Do: deploy.BMCBootOrder, Order: []string{"Boot0003", "Boot0001"}},
		"Secure Boot off":               {Do: deploy.BMCSecureBoot},
		"Secure Boot keys: delete-pk":   {Do: deploy.BMCSecureBootKeys, Name: "delete-pk"},
		"virtual CD inserted":           {Do: deploy.BMCInsertMedia, URL: "https://10.0.0.1/a.iso"},
		"virtual CD ejected":            {Do: deploy.BMCEjectMedia},
		"BIOS settings staged":          {Do: deploy.BMCSettings, Values: map[string]string{"BootMode": "Uefi"}},
		"BMC restarted":                 {Do: deploy.BMCReset},
		"BMC's log cleared":             {Do: deploy.BMCClearLog},
		"BMC's clock set":               {Do: deploy.BMCClock},
		"place written into the BMC":    {Do: deploy.BMCPlace},
		"ipmi off":                      {Do: deploy.BMCProtocol, Name: "ipmi"},
	} {
		steps, err := deploy.Plan(deploy.Manage, deploy.Subject{Machine: racked(), Order: deploy.Order{BMC: &o}})
		if err != nil || len(steps) != 1 || steps[0].Title != want {
			t.Errorf("%+v: %v, %v, want %q", o, steps, err, want)
		}
		if once := steps[0].Budget == 1; once != (o.Do == deploy.BMCReset) {
			t.Errorf("%s is tried %d times", want, steps[0].Budget)
		}
	}
}

func TestAChangeThatNoBMCCouldBeAskedIsRefusedWithAHint(t *testing.T) {
	nowhere, bare := racked(), racked()
	nowhere.Slot, bare.BMC = nil, nil
	for name, c := range map[string]struct {
		machine inventory.Machine
		order   *deploy.BMCOrder
		kind    fault.Kind
		says    string
	}{
		"no order":           {racked(), nil, fault.Invalid, "which change"},
		"no BMC":             {bare, &deploy.BMCOrder{Do: deploy.BMCEjectMedia}, fault.Conflict, "has no BMC"},
		"unknown deed":       {racked(), &deploy.BMCOrder{Do: "explode"}, fault.Invalid, `"explode"`},
		"unknown target":     {racked(), &deploy.BMCOrder{Do: deploy.BMCBoot, Target: "floppy"}, fault.Invalid, `"floppy"`},
		"unknown mode":       {racked(), &deploy.BMCOrder{Do: deploy.BMCBoot, Target: "cd", Mode: "csm"}, fault.Invalid, `"csm"`},
		"URL for PXE":        {racked(), &deploy.BMCOrder{Do: deploy.BMCBoot, Target: "pxe", URL: "http://h/x"}, fault.Invalid, "not from pxe"},
		"ftp":                {racked(), &deploy.BMCOrder{Do: deploy.BMCInsertMedia, URL: "ftp://h/x.iso"}, fault.Invalid, "no http or https"},
		"no URL":             {racked(), &deploy.BMCOrder{Do: deploy.BMCInsertMedia}, fault.Invalid, "no http or https"},
		"password in URL":    {racked(), &deploy.BMCOrder{Do: deploy.BMCInsertMedia, URL: "http://u:hunter2@h/x.iso"}, fault.Invalid, "user name or password"},
		"empty order":        {racked(), &deploy.BMCOrder{Do: deploy.BMCBootOrder}, fault.Invalid, "empty boot order"},
		"an option twice":    {racked(), &deploy.BMCOrder{Do: deploy.BMCBootOrder, Order: []string{"a", "a"}}, fault.Invalid, "twice"},
		"no settings":        {racked(), &deploy.BMCOrder{Do: deploy.BMCSettings}, fault.Invalid, "0 BIOS settings"},
		"keys to nothing":    {racked(), &deploy.BMCOrder{Do: deploy.BMCSecureBootKeys}, fault.Invalid, "cannot be reset"},
		"place of no slot":   {nowhere, &deploy.BMCOrder{Do: deploy.BMCPlace}, fault.Conflict, "no slot"},
		"nameless protocol":  {racked(), &deploy.BMCOrder{Do: deploy.BMCProtocol, On: true}, fault.Invalid, "which protocol"},
		"how we reach it":    {racked(), &deploy.BMCOrder{Do: deploy.BMCProtocol, Name: "https"}, fault.Invalid, "how we reach it"},
		"a setting too long": {racked(), &deploy.BMCOrder{Do: deploy.BMCSettings, Values: map[string]string{"a": strings.Repeat("x", 2000)}}, fault.Invalid, "too long"},
	} {
		_, err := deploy.Plan(deploy.Manage, deploy.Subject{Machine: c.machine, Order: deploy.Order{BMC: c.order}})
		if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error()+fault.HintOf(err), "hunter2") {
			t.Errorf("%s: %v, want %v with %q", name, err, c.kind, c.says)
		}
	}
}

func TestAMachineInMaintenanceCanBeWorkedOnThroughItsBMC(t *testing.T) {
	m := racked()
	m.Phase = inventory.Maintenance
	if _, err := deploy.Plan(deploy.Manage, deploy.Subject{Machine: m, Order: deploy.Order{BMC: &deploy.BMCOrder{Do: deploy.BMCEjectMedia}}}); err != nil {
		t.Error(err)
	}
}
