package scripted

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/journal"
)

// baseline is the head of a plan with two models that are to have newer firmware.
const baseline = `models:
  - {name: sim, firmware: [{component: bmc, version: 1.5.0}, {component: bios, version: "2.1"}]}
  - {name: fetcher, firmware: [{component: bios, version: "2.1"}]}
`

// firmwareFile adds a file for simulated machines to the catalogue.
func (h *hall) firmwareFile(name, component, version string, more ...string) {
	h.t.Helper()
	file := filepath.Join(h.dir, name+".bin")
	if out, err := exec.CommandContext(h.ctx, bin("racksim"), "firmware", "--component", component, "--version", version, "--size", "4MiB", "-o", file).CombinedOutput(); err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	h.command(append([]string{"firmware", "add", file, "--name", name, "--component", component, "--version", version}, more...)...)
}

// versionsOf waits until the server has seen a version of everything in the baseline.
func (h *hall) standing(want map[string]firmware.Standing) {
	h.t.Helper()
	is := map[string]firmware.Standing{}
	until(h.t, h.ctx, fmt.Sprint("standing ", want), func() bool {
		list, err := h.client.FirmwareCompliance(h.ctx, "", "")
		for _, m := range list.Machines {
			is[m.Name] = m.Standing
		}
		for name, s := range want {
			if is[name] != s {
				return false
			}
		}
		return err == nil
	}, func() string { return h.command("firmware", "compliance") })
}

func TestFirmwareIsPushedOrFetchedAndTheMachineRestartedOnce(t *testing.T) {
	h := newHall(t,
		box{name: "pushed", model: "sim", more: `, power: "on", versions: {bios: "2.0", bmc: 1.0.0}`, bmc: ", restart: 1s"},
		box{name: "fetches", model: "fetcher", mockup: "hpe-ilo5"})
	h.head = baseline
	h.boxes[1].mockup = write(t, filepath.Join(h.dir, "fetcher.json"), `{"@extends": "openbmc",
		"/redfish/v1/UpdateService": {"MultipartHttpPushUri": null, "HttpPushUri": null, "HttpPushUriOptions": null}}`)
	h.open()
	h.firmwareFile("sim-bmc", "bmc", "1.5.0", "--model", "sim")
	h.firmwareFile("sim-bios", "bios", "2.1", "--model", "sim", "--requires", "bmc=1.5")
	h.firmwareFile("fetched-bios", "bios", "2.1", "--model", "fetcher")
	h.standing(map[string]firmware.Standing{"pushed": firmware.Behind, "fetches": firmware.Behind})
	saying(t, h.command("firmware", "update", "pushed", "--dry-run"), "with 1 restart of the machine", "the BMC restarts", "restart 1 of the machine")
	h.command("firmware", "update", "pushed", "fetches", "--watch", "--timeout", "120s")
	t.Log(h.command("bmc", "firmware", "pushed"), h.command("machine", "timeline", "pushed"), h.servers[0].output())
	h.standing(map[string]firmware.Standing{"pushed": firmware.Compliant, "fetches": firmware.Compliant})
	if m := h.machine("pushed"); m.Power != inventory.PowerOn {
		t.Errorf("pushed is %s", m.Power)
	}
	resets := 0
	for _, e := range h.bmcLog("pushed") {
		if strings.HasSuffix(e.Code, "ResetRequested") {
			resets++
		}
	}
	if resets != 1 {
		t.Errorf("the machine was restarted %d times", resets)
	}
	h.fetched("fetches")
	saying(t, h.command("firmware", "update", "pushed"), "has what it is to have")
	refused(t, h.cmd("firmware", "update", "pushed", "--file", "fetched-bios"), 4, "fetched-bios")
}

// fetched checks that a BMC took a file from us by an address that says nothing any more.
func (h *hall) fetched(name string) {
	h.t.Helper()
	events, err := h.client.Timeline(h.ctx, name, 1000)
	ok(h.t, err)
	for _, e := range events {
		if e.Kind == journal.HTTPSent || strings.Contains(e.Summary, "fetched") {
			return
		}
	}
	h.t.Errorf("no fetch stands in the timeline of %s:\n%s", name, h.command("machine", "timeline", name))
}

func TestACampaignGoesCanaryFirstThenByFeedAndHaltsWhenAMachineFails(t *testing.T) {
	var boxes []box
	for i := range 12 {
		boxes = append(boxes, box{name: fmt.Sprintf("c%02d", i+1), rack: 1 + i/6, model: "sim", more: `, versions: {"NIC.1": 1.0.0}`})
	}
	boxes[2].bmc += ", faults: [{kind: answer, method: POST, path: /redfish/v1/UpdateService, status: 400, message: Base.1.19.GeneralError, times: 1}]"
	h := newHall(t, boxes...)
	h.head = "models: [{name: sim, firmware: [{component: NIC.1, version: 1.5.0}]}]\n"
	h.open()
	h.firmwareFile("sim-nic", "NIC.1", "1.5.0", "--model", "sim", "--reset", "none")
	want := map[string]firmware.Standing{}
	for _, b := range boxes {
		want[b.name] = firmware.Behind
	}
	h.standing(want)
	start := []string{"firmware", "campaign", "start", "spring", "--model", "sim", "--canary", "1", "--wave", "6", "--domain", "feed", "--halt", "5"}
	dry := h.command(append(start, "--dry-run")...)
	if strings.Count(dry, "canary") != 1 {
		t.Errorf("%s", dry)
	}
	h.command(start...)
	c := h.campaign("spring", firmware.CampaignHalted)
	if c.Tally[firmware.TargetFailed] != 1 || c.Tally[firmware.TargetWaiting] == 0 || c.Why == "" {
		t.Errorf("halted with %+v: %s", c.Tally, c.Why)
	}
	feeds := map[int]string{}
	for _, target := range c.Targets {
		if f := feeds[target.Wave]; target.Wave > 0 && f != "" && f != target.Domain {
			t.Errorf("wave %d has machines of %s and of %s", target.Wave, f, target.Domain)
		}
		feeds[target.Wave] = target.Domain
	}
	h.command("operation", "retry", h.parked("c03").ID)
	h.command("firmware", "campaign", "resume", "spring")
	c = h.campaign("spring", firmware.CampaignDone)
	for name := range want {
		want[name] = firmware.Compliant
	}
	h.standing(want)
	if c.Tally[firmware.TargetDone] < 11 {
		t.Errorf("%+v", c.Tally)
	}
	refused(t, h.cmd("firmware", "campaign", "resume", "spring"), 4, "spring")
}

// campaign waits until a campaign stands so.
func (h *hall) campaign(name string, want firmware.CampaignState) (c firmware.Campaign) {
	h.t.Helper()
	until(h.t, h.ctx, "the campaign "+string(want), func() bool {
		var err error
		c, err = h.client.Campaign(h.ctx, name)
		return err == nil && c.State == want
	}, func() string { return h.command("firmware", "campaign", "show", name) + h.command("operation", "list") })
	return c
}
