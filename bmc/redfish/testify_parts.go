package redfish

import (
	"strings"

	"rackwright/bmc/probe"
)

// enclosures reads the chassis around the system, with fans and power as they have them:
// in PowerSubsystem and ThermalSubsystem's summary, or in the older Power and Thermal.
func (t *testimony) enclosures() {
	sys, err := t.c.read(t.ctx)
	if err != nil {
		return // told by system already
	}
	for _, l := range sys.Links.Chassis[:min(len(sys.Links.Chassis), maxChassis)] {
		s, ok := readFor[struct {
			ChassisType, SerialNumber, SKU, UUID, PowerState string
			Status                                           condition
			Power, Thermal, EnvironmentMetrics               link
			Locator                                          *bool  `json:"LocationIndicatorActive"`
			Indicator                                        string `json:"IndicatorLED"`
		}](t, "chassis", l.URI)
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
	if m, ok := readFor[struct{ PowerWatts struct{ Reading *float64 } }](t, "environment metrics", metrics); ok && m.PowerWatts.Reading != nil {
		one.Watts, one.WattsTold = *m.PowerWatts.Reading, true
	}
	p, ok := readFor[struct {
		PowerControl []struct {
			PowerConsumedWatts *float64
		}
		PowerSupplies []struct {
			Name   string
			Status condition
		}
	}](t, "power", old)
	if !ok {
		return
	}
	for _, s := range p.PowerSupplies {
		if s.Status.State != "Absent" {
			one.Supplies++
			t.part("power supply "+tidy(s.Name), s.Status)
		}
	}
	if len(p.PowerControl) > 0 && p.PowerControl[0].PowerConsumedWatts != nil && !one.WattsTold {
		one.Watts, one.WattsTold = *p.PowerControl[0].PowerConsumedWatts, true
	}
}

func (t *testimony) fans(one *probe.Chassis, at string) {
	th, ok := readFor[struct {
		Fans []struct {
			Name    string
			Reading *float64
			Status  condition
		}
	}](t, "thermal", at)
	if !ok {
		return
	}
	for _, f := range th.Fans {
		t.part("fan "+tidy(f.Name), f.Status)
		if f.Reading == nil || f.Status.State == "Absent" {
			continue
		}
		one.Fans++
		if *f.Reading > 0 {
			one.FansTurning++
		}
	}
}

func (t *testimony) eventService(at link) {
	e, ok := readFor[struct {
		ServiceEnabled     *bool
		Subscriptions      link
		ServerSentEventUri string //nolint:revive // Redfish's name
	}](t, "event service", at.URI)
	if ok {
		enabled := e.ServiceEnabled == nil || *e.ServiceEnabled
		t.Events = probe.Events{There: true, Enabled: enabled, Subscriptions: e.Subscriptions.URI != "", Stream: tidy(e.ServerSentEventUri),
			Push: enabled && e.Subscriptions.URI != ""}
		t.list("subscriptions", e.Subscriptions.URI)
	}
}

func (t *testimony) updateService(at link) {
	u, ok := readFor[struct {
		ServiceEnabled                    *bool
		HttpPushUri, MultipartHttpPushUri string //nolint:revive // Redfish's names
		FirmwareInventory                 link
		Actions                           struct {
			Simple struct {
				Target    string   `json:"target"`
				Protocols []string `json:"TransferProtocol@Redfish.AllowableValues"`
			} `json:"#UpdateService.SimpleUpdate"`
		}
	}](t, "update service", at.URI)
	if !ok {
		return
	}
	if u.ServiceEnabled == nil || *u.ServiceEnabled {
		if u.MultipartHttpPushUri != "" {
			t.Updates = append(t.Updates, "multipart push")
		}
		if u.HttpPushUri != "" {
			t.Updates = append(t.Updates, "push")
		}
		if u.Actions.Simple.Target != "" {
			t.Updates = append(t.Updates, strings.TrimSpace("simple update "+strings.Join(tidyAll(u.Actions.Simple.Protocols), "/")))
		}
	}
	members := t.list("firmware inventory", u.FirmwareInventory.URI)
	for _, m := range members[:min(len(members), maxSoftwares)] {
		if s, ok := readFor[software](t, "firmware", m.URI); ok && s.runs() {
			t.Software = append(t.Software, probe.Software{Component: s.component(), ID: tidy(s.ID), Version: tidy(s.Version)})
		}
	}
}

func (t *testimony) sessions(root services) {
	t.Sessions = len(t.list("sessions", root.Links.Sessions.URI))
	if a, ok := readFor[accountService](t, "account service", root.AccountService.URI); ok {
		t.list("accounts", a.Accounts.URI)
	}
}

func (t *testimony) certifies(at link) {
	s, ok := readFor[certificateService](t, "certificate service", at.URI)
	t.Certifies = ok && s.Actions.Generate.Target != "" && s.Actions.Replace.Target != ""
}
