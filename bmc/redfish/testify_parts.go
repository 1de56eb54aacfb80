package redfish

import (
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc/probe"
)

// enclosures reads the chassis around the system, with fans and power as they have them.
func (t *testimony) enclosures(sys *system) {
	for _, l := range sys.Links.Chassis[:min(len(sys.Links.Chassis), maxChassis)] {
		s, ok := readFor[chassis](t, "chassis", l.URI)
		if !ok {
			continue
		}
		one := probe.Chassis{URI: l.URI, Kind: tidy(s.ChassisType), Serial: tidy(s.SerialNumber), SKU: tidy(s.SKU), UUID: tidy(s.UUID), Power: tidy(s.PowerState), Health: tidy(s.Status.Health)}
		t.Locator = t.Locator || s.Locator != nil || s.Indicator != ""
		t.part("chassis "+lastOf(l.URI), s.Status)
		t.power(&one, s.Power.URI, s.EnvironmentMetrics.URI)
		t.fans(&one, s.Thermal.URI)
		t.Chassis = append(t.Chassis, one)
	}
}

func (t *testimony) power(one *probe.Chassis, old, metrics string) {
	told := func(watts *float64) {
		if watts != nil && !one.WattsTold {
			one.Watts, one.WattsTold = *watts, true
		}
	}
	if m, ok := readFor[environment](t, "environment metrics", metrics); ok {
		told(m.PowerWatts.Reading.is)
	}
	p, ok := readFor[gauges](t, "power", old)
	if !ok {
		return
	}
	for _, s := range p.PowerSupplies {
		if s.Status.State != string(schemas.AbsentState) {
			one.Supplies++
			t.part("power supply "+tidy(s.Name), s.Status)
		}
	}
	if len(p.PowerControl) > 0 {
		told(p.PowerControl[0].PowerConsumedWatts.is)
	}
}

func (t *testimony) fans(one *probe.Chassis, at string) {
	th, ok := readFor[gauges](t, "thermal", at)
	if !ok {
		return
	}
	for _, f := range th.Fans {
		t.part("fan "+first(f.Name, f.FanName), f.Status)
		if f.Reading.is == nil || f.Status.State == string(schemas.AbsentState) {
			continue
		}
		one.Fans++
		if *f.Reading.is > 0 {
			one.FansTurning++
		}
	}
}

func (t *testimony) eventService(at link) {
	if e, ok := readFor[eventService](t, "event service", at.URI); ok {
		enabled := e.ServiceEnabled == nil || *e.ServiceEnabled
		t.Events = probe.Events{There: true, Enabled: enabled, Subscriptions: e.Subscriptions.URI != "", Stream: tidy(e.ServerSentEventURI),
			Push: enabled && e.Subscriptions.URI != ""}
		t.list("subscriptions", e.Subscriptions.URI)
	}
}

func (t *testimony) updateService(at link) {
	u, ok := readFor[updater](t, "update service", at.URI)
	if !ok {
		return
	}
	if u.ServiceEnabled == nil || *u.ServiceEnabled {
		if u.Multipart != "" {
			t.Updates = append(t.Updates, "multipart push")
		}
		if u.Push != "" {
			t.Updates = append(t.Updates, "push")
		}
		if u.Actions.Simple.Target != "" {
			t.Updates = append(t.Updates, strings.TrimSpace("simple update "+strings.Join(tidyAll(u.Actions.Simple.Protocols), "/")))
		}
	}
	members := t.list("firmware inventory", u.FirmwareInventory.URI)
	for _, at := range members[:min(len(members), maxSoftware)] {
		if s, ok := readFor[software](t, "firmware", at); ok && s.runs() {
			t.Software = append(t.Software, probe.Software{Component: s.component(), ID: tidy(s.ID), Version: tidy(s.Version)})
		}
	}
}

func (t *testimony) sessions(root serviceRoot) {
	t.Sessions = len(t.list("sessions", root.Links.Sessions.URI))
	if a, ok := readFor[accountService](t, "account service", root.Accounts.URI); ok {
		t.list("accounts", a.Accounts.URI)
	}
}

func (t *testimony) certifies(at link) {
	s, ok := readFor[certificateService](t, "certificate service", at.URI)
	t.Certifies = ok && s.Actions.Generate.Target != "" && s.Actions.Replace.Target != ""
}
