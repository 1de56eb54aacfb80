package scripted

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/firmware"
	"rackwright/fleet"
	"rackwright/inventory"
	"rackwright/journal"
)

// baseline is the head of a plan with models that are to have newer firmware.
const baseline = `models:
  - {name: sim, firmware: [{component: bmc, version: 1.5.0}, {component: bios, version: "2.1"}]}
  - {name: fetcher, firmware: [{component: bios, version: "2.1"}]}
  - {name: nic, firmware: [{component: NIC.1, version: 1.5.0}]}
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

func TestFirmwareIsPushedOrFetchedAndACampaignGoesOnMeanwhile(t *testing.T) {
	boxes := []box{
		{name: "pushed", model: "sim", more: `, power: "on", versions: {bios: "2.0", bmc: 1.0.0}`, bmc: ", restart: 1s"},
		{name: "fetches", model: "fetcher"}}
	for i := range 12 {
		boxes = append(boxes, box{name: fmt.Sprintf("c%02d", i+1), rack: 1 + i/6, model: "nic", more: `, versions: {"NIC.1": 1.0.0}`})
	}
	boxes[4].bmc += ", faults: [{kind: answer, method: POST, path: /redfish/v1/UpdateService, status: 400, message: Base.1.19.GeneralError, times: 1}]"
	h := newHall(t, boxes...)
	h.head = baseline
	h.boxes[1].mockup = write(t, filepath.Join(h.dir, "fetcher.json"), `{"@extends": "openbmc",
		"/redfish/v1/UpdateService": {"MultipartHttpPushUri": null, "HttpPushUri": null, "HttpPushUriOptions": null}}`)
	h.open()
	h.firmwareFile("sim-bmc", "bmc", "1.5.0", "--model", "sim")
	h.firmwareFile("sim-bios", "bios", "2.1", "--model", "sim", "--requires", "bmc=1.5")
	h.firmwareFile("fetched-bios", "bios", "2.1", "--model", "fetcher")
	h.firmwareFile("nic", "NIC.1", "1.5.0", "--model", "nic", "--reset", "none")
	want := map[string]firmware.Standing{}
	for _, b := range boxes {
		want[b.name] = firmware.Behind
	}
	h.standing(want)
	start := []string{"firmware", "campaign", "start", "spring", "--model", "nic", "--canary", "1", "--wave", "6", "--domain", "feed", "--max-failures", "5"}
	if dry := h.command(append(start, "--dry-run")...); strings.Count(dry, "0 first") != 1 {
		t.Errorf("%s", dry)
	}
	h.command(start...)
	saying(t, h.command("firmware", "update", "pushed", "--dry-run"), "with 1 restart of the machine", "the BMC restarts", "restart 1 of the machine")
	h.command("firmware", "update", "pushed", "fetches", "--watch", "--timeout", patience.String())
	h.notRestartedTwice("pushed")
	h.fetched("fetches")
	h.halted("spring", "c03")
	for name := range want {
		want[name] = firmware.Compliant
	}
	h.standing(want)
	saying(t, h.command("firmware", "update", "pushed"), "has what it is to have")
	refused(t, h.cmd("firmware", "update", "pushed", "--file", "nic"), 4, "nic")
}

func (h *hall) notRestartedTwice(name string) {
	h.t.Helper()
	if m := h.machine(name); m.Power != inventory.PowerOn {
		h.t.Errorf("%s is %s", name, m.Power)
	}
	resets := 0
	for _, e := range h.bmcLog(name) {
		if strings.HasSuffix(e.Code, "ResetRequested") {
			resets++
		}
	}
	if resets > 1 { // 0: it started anew by itself meanwhile, finding nothing to boot
		h.t.Errorf("%s was restarted %d times\n%s%s", name, resets, h.command("bmc", "log", name), h.command("machine", "timeline", name))
	}
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

// halted sees a campaign through: it halts when a machine fails before the other feed
// begins, and goes on when that is mended.
func (h *hall) halted(campaign, failing string) {
	h.t.Helper()
	c := h.campaign(campaign, fleet.Halted)
	if c.Tally[fleet.Failed] != 1 || c.Tally[fleet.Waiting] != 6 || c.Why == "" {
		h.t.Errorf("halted with %+v: %s", c.Tally, c.Why)
	}
	feeds := map[int]string{}
	for _, target := range c.Members {
		if f := feeds[target.Wave]; target.Wave > 0 && f != "" && f != target.Domain {
			h.t.Errorf("wave %d has machines of %s and of %s", target.Wave, f, target.Domain)
		}
		feeds[target.Wave] = target.Domain
	}
	h.command("operation", "retry", h.parked(failing).ID)
	h.command("firmware", "campaign", "resume", campaign)
	h.campaign(campaign, fleet.Done)
	refused(h.t, h.cmd("firmware", "campaign", "resume", campaign), 4, campaign)
}

// campaign waits until a campaign stands so.
func (h *hall) campaign(name string, want fleet.State) (c fleet.Fleet) {
	h.t.Helper()
	until(h.t, h.ctx, "the campaign "+string(want), func() bool {
		var err error
		c, err = h.client.Fleet(h.ctx, fleet.Campaign, name)
		return err == nil && c.State == want
	}, func() string { return h.command("firmware", "campaign", "show", name) + h.command("operation", "list") })
	return c
}
