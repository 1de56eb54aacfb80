package mockup

import (
	"testing"
	"time"
)

func TestPowerWalksThroughItsStatesAndTheChassisToo(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		chassis := members(c.bmc.get(c.bmc.host), "Links", "Chassis")[0]
		state := func(want string) {
			t.Helper()
			c.want("the system", c.host("PowerState"), want)
			c.want("the chassis", c.get(chassis).body["PowerState"], want)
		}
		status := map[int]int{200: 200, 202: 202, 204: 204}[c.bmc.habits.resetAnswer]
		state(on)
		c.reset(status, "ForceOff")
		state(ing)
		c.clock.forward(time.Second)
		state(off)
		c.reset(status, "On")
		state(powering)
		if c.bmc.Starts() != 0 {
			t.Error("the host started before it has power")
		}
		c.clock.forward(time.Second)
		state(on)
		c.reset(status, "ForceRestart")
		state(on)
		c.clock.forward(time.Second)
		if c.bmc.Starts() != 2 {
			t.Errorf("the host started %d times", c.bmc.Starts())
		}
	})
}

func TestAResetThatTheTreeDoesNotAllowIsRefused(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		target := textAt(c.bmc.get(c.bmc.host), "Actions", "#ComputerSystem.Reset", "target")
		for _, text := range []string{`{"ResetType": "Suspend"}`, `{}`, ``, `{"ResetType": 7}`, `[]`, `{`} {
			c.must(400, "POST", target, text)
		}
		c.want("the power state", c.host("PowerState"), on)
	})
}

func TestAForcedOffEndsAStart(t *testing.T) {
	c := bench(t, "lenovo-xcc", func(cfg *Config) { cfg.Power = off })
	c.reset(204, "On")
	c.reset(204, "ForceOff")
	c.clock.forward(time.Minute)
	c.want("the power state", c.host("PowerState"), off)
	if c.bmc.Starts() != 0 {
		t.Error("the host started")
	}
}

func TestAnOverrideIsUsedUpUnlessItLasts(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		uri := c.bmc.host
		if c.bmc.habits.bootInSettings {
			c.patch(400, uri, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}`)
			uri += "/Settings"
		}
		restart := func() string {
			c.reset(c.bmc.habits.resetAnswer, "ForceRestart")
			c.clock.forward(time.Second)
			return c.bmc.Booted().Target
		}
		set := func(enabled, target string) {
			answer := c.bmc.habits.patchAnswer
			if uri != c.bmc.host {
				answer = 200
			}
			c.patch(answer, uri, `{"Boot": {"BootSourceOverrideEnabled": "`+enabled+`", "BootSourceOverrideTarget": "`+target+`"}}`)
		}
		set("Once", "Pxe")
		c.want("the first start", restart(), "Pxe")
		c.want("the override", c.host("Boot", "BootSourceOverrideEnabled"), "Disabled")
		c.want("the second start", restart(), "None")
		if c.bmc.cfg.Name == "lenovo-xcc" {
			c.patch(400, uri, `{"Boot": {"BootSourceOverrideEnabled": "Continuous", "BootSourceOverrideTarget": "Pxe"}}`)
			return
		}
		set("Continuous", "Hdd")
		for range 2 {
			c.want("a lasting start", restart(), "Hdd")
		}
		set("Disabled", "None")
		c.want("the start after", restart(), "None")
		c.patch(400, uri, `{"Boot": {"BootSourceOverrideTarget": "Floppy1987"}}`)
	})
}

func TestSupermicroForgetsTheModeThatIsNotSaid(t *testing.T) {
	c := bench(t, "supermicro-x12")
	c.patch(200, c.bmc.host, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}`)
	c.want("the mode", c.host("Boot", "BootSourceOverrideMode"), "Legacy")
}

func TestDellsCdIsThePhysicalDrive(t *testing.T) {
	c := bench(t, "dell-idrac9")
	drive := c.bmc.manager + "/VirtualMedia/CD"
	c.must(204, "POST", drive+"/Actions/VirtualMedia.InsertMedia", `{"Image": "http://192.0.2.1/a.iso"}`)
	c.patch(200, c.bmc.host, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Cd"}}`)
	c.reset(204, "ForceRestart")
	c.clock.forward(time.Second)
	if got := c.bmc.Booted(); got.Target != "Cd" || got.Image != "" {
		t.Errorf("booted %+v", got)
	}
	own := c.bmc.manager + "/Oem/Dell/DellAttributes/iDRAC.Embedded.1"
	c.patch(200, own, `{"Attributes": {"ServerBoot.1.BootOnce": "Enabled", "ServerBoot.1.FirstBootDevice": "VCD-DVD"}}`)
	for _, want := range []string{"http://192.0.2.1/a.iso", ""} {
		c.reset(204, "ForceRestart")
		c.clock.forward(time.Second)
		if got := c.bmc.Booted(); got.Image != want {
			t.Errorf("booted %+v, want %q", got, want)
		}
	}
}

func TestABootOrderIsOneOfAllOptions(t *testing.T) {
	c := bench(t, "hpe-ilo5")
	c.patch(400, c.bmc.host, `{"Boot": {"BootOrder": ["Boot0011"]}}`)
	c.patch(400, c.bmc.host, `{"Boot": {"BootOrder": ["Boot0011", "Boot0099"]}}`)
	c.patch(200, c.bmc.host, `{"Boot": {"BootOrder": ["Boot0011", "Boot000A"]}}`)
	c.reset(200, "ForceRestart")
	c.clock.forward(time.Second)
	if got := c.bmc.Booted(); got.First != "Boot0011" {
		t.Errorf("booted %+v", got)
	}
}

func TestTheManagerIsAwayWhileItRestarts(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		sessions := c.bmc.services.sessions
		token := c.must(201, "POST", sessions, `{"UserName": "`+user+`", "Password": "`+password+`"}`).header.Get("X-Auth-Token")
		c.must(200, "GET", c.bmc.host, "", "X-Auth-Token", token)
		kind := texts(c.bmc.get(c.bmc.manager), "Actions", "#Manager.Reset", "ResetType@Redfish.AllowableValues")[0]
		c.must(204, "POST", textAt(c.bmc.get(c.bmc.manager), "Actions", "#Manager.Reset", "target"), `{"ResetType": "`+kind+`"}`)
		c.clock.forward(time.Second)
		if a := c.get(root); a.status != 0 {
			t.Errorf("it answers %d", a.status)
		}
		c.clock.forward(time.Minute)
		c.must(401, "GET", c.bmc.host, "", "X-Auth-Token", token)
		for range c.bmc.habits.waking {
			c.must(503, "GET", c.bmc.host, "")
		}
		c.want("the host", c.host("PowerState"), on)
		if c.bmc.Restarts() != 1 {
			t.Errorf("%d restarts", c.bmc.Restarts())
		}
	})
}
