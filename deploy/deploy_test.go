package deploy_test

import (
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

func TestTheStepsOfADeploymentFollowFromItsMethod(t *testing.T) {
	for method, want := range map[deploy.Method]string{
		deploy.ByDisk:    "check boot-net power dhcp loader ramdisk write boot-disk reboot phone settle",
		deploy.ByRootFS:  "check boot-net power dhcp loader ramdisk write boot-disk reboot phone settle",
		deploy.ByInstall: "check boot-net power dhcp loader answers install phone settle",
		deploy.ByNetboot: "check boot-net power dhcp loader loaded settle",
		deploy.ByLive:    "check boot-net power dhcp loader ramdisk start phone settle",
		deploy.ByMedia:   "check media boot-cd power install eject settle",
		deploy.ByLocal:   "check boot-disk power settle",
	} {
		o := deploy.Order{Image: "i", Digest: "sha256:0", Method: method}
		if method == deploy.ByLocal {
			o.Image, o.Digest = "", ""
		}
		steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: racked(), Order: o})
		if err != nil || names(steps) != want {
			t.Errorf("%s: %s, %v", method, names(steps), err)
		}
	}
}

func TestAMethodFollowsFromTheImage(t *testing.T) {
	for want, img := range map[deploy.Method]images.Image{
		deploy.ByDisk:    {Kind: images.KindDisk},
		deploy.ByRootFS:  {Kind: images.KindRootFS},
		deploy.ByMedia:   {Kind: images.KindISO},
		deploy.ByInstall: {Kind: images.KindNetboot, Answers: "preseed"},
		deploy.ByNetboot: {Kind: images.KindNetboot, Answers: "none"},
	} {
		if got := deploy.MethodOf(&img); got != want {
			t.Errorf("%s %s: %s, want %s", img.Kind, img.Answers, got, want)
		}
	}
}

func TestWhatNeedsABMCIsRefusedWithoutOne(t *testing.T) {
	bare := racked()
	bare.BMC = nil
	for _, method := range []deploy.Method{deploy.ByMedia, deploy.ByLocal} {
		_, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: bare, Order: deploy.Order{Digest: "sha256:0", Method: method}})
		if !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: bare, Order: deploy.Order{Method: deploy.ByInstall}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no image: %v", err)
	}
}

// An installer is netbooted until it has its answers and never after; what comes through
// the virtual drive or is on the disk is not netbooted at all.
func TestAnInstallerIsNeverNetbootedInALoop(t *testing.T) {
	for method, until := range map[deploy.Method]deploy.StepName{deploy.ByInstall: deploy.StepInstall, deploy.ByNetboot: deploy.StepSettle, deploy.ByMedia: deploy.StepCheck, deploy.ByLocal: deploy.StepCheck} {
		steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: racked(), Order: deploy.Order{Digest: "sha256:0", Method: method}})
		if err != nil {
			t.Fatal(err)
		}
		o := deploy.Operation{Kind: deploy.Deploy, State: deploy.Running, Steps: steps, Order: deploy.Order{Method: method}}
		over := false
		for i, s := range steps {
			o.Current = i
			over = over || s.Name == until
			if got := o.Netboots(); got == over && s.Name != deploy.StepCheck {
				t.Errorf("%s at %s: netboots %v", method, s.Name, got)
			}
		}
	}
}

func TestARetryOfAnInstallationWaitsAndInstallsNothingAgain(t *testing.T) {
	for step, want := range map[deploy.StepName]deploy.StepName{deploy.StepAnswers: deploy.StepBootNet, deploy.StepInstall: deploy.StepInstall, deploy.StepPhone: deploy.StepPhone} {
		steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: racked(), Order: deploy.Order{Digest: "sha256:0", Method: deploy.ByInstall}})
		if err != nil {
			t.Fatal(err)
		}
		o := deploy.Operation{Kind: deploy.Deploy, State: deploy.Parked, Steps: steps, Order: deploy.Order{Method: deploy.ByInstall}}
		for i, s := range steps {
			if s.Name == step {
				o.Current = i
			}
		}
		if o.Restart(); o.Step().Name != want {
			t.Errorf("parked at %s, a retry begins at %s, want %s", step, o.Step().Name, want)
		}
	}
}

func TestAnInstallerMeetsForeignDataOnlyByLeave(t *testing.T) {
	seen := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	disk := inventory.Disk{Path: "/dev/vda", Serial: "D1", Bytes: 1 << 30, Holds: []string{"ext4"}}
	for name, c := range map[string]struct {
		change func(*inventory.Machine, *deploy.Order)
		clear  bool
	}{
		"data nobody gave up":           {func(*inventory.Machine, *deploy.Order) {}, false},
		"given up by serial":            {func(_ *inventory.Machine, o *deploy.Order) { o.Overwrite = []string{"D1"} }, true},
		"another disk given up":         {func(_ *inventory.Machine, o *deploy.Order) { o.Overwrite = []string{"D2"} }, false},
		"an empty disk":                 {func(m *inventory.Machine, _ *deploy.Order) { m.Facts.Disks[0].Holds = nil }, true},
		"erased since":                  {func(m *inventory.Machine, _ *deploy.Order) { m.Erased = seen.Add(time.Hour) }, true},
		"erased before it was seen":     {func(m *inventory.Machine, _ *deploy.Order) { m.Erased = seen.Add(-time.Hour) }, false},
		"a disk that a person named":    {func(_ *inventory.Machine, o *deploy.Order) { o.Vars = map[string]string{"disk": "/dev/sdb"} }, true},
		"an image that the agent takes": {func(_ *inventory.Machine, o *deploy.Order) { o.Method = deploy.ByDisk }, true},
	} {
		m := racked()
		m.Facts = &inventory.Facts{Observed: seen, Disks: []inventory.Disk{disk}}
		o := deploy.Order{Method: deploy.ByInstall}
		c.change(&m, &o)
		err := deploy.Clear(t.Context(), &deploy.Operation{Kind: deploy.Deploy, Order: o}, &m, shelf{})
		if c.clear && err != nil || !c.clear && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
