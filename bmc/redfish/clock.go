package redfish

import (
	"context"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// near is how far a clock that was set may be off: BMCs tell whole seconds, and take some
// to answer.
const near = 15 * time.Second

// Clock reads the manager's DateTime and the NTP servers.
func (c *Controller) Clock(ctx context.Context) (bmc.Clock, error) {
	ctx = withBudget(ctx, maxCustodyReads)
	clock, m, err := c.time(ctx)
	if err != nil {
		return clock, c.explain("read the clock", err)
	}
	_, _, ntp, err := c.ntp(ctx, m)
	if err != nil {
		c.log.Debug("bmc tells no NTP", "err", c.explain("read NTP", err))
	}
	clock.Servers, clock.NTP = ntp.servers, ntp.on
	return clock, nil
}

// time reads the clock and compares it with ours in the middle of the exchange.
func (c *Controller) time(ctx context.Context) (bmc.Clock, *manager, error) {
	before := time.Now()
	m, err := c.itself(ctx)
	if err != nil {
		return bmc.Clock{}, m, err
	}
	at, ok := parseTime(m.DateTime, m.DateTimeLocalOffset)
	if !ok {
		return bmc.Clock{}, m, c.lacks("clock to read")
	}
	ours := before.Add(time.Since(before) / 2)
	off := at.Sub(ours).Truncate(time.Second) // it tells no more
	return bmc.Clock{Time: at, Off: off}, m, nil
}

// parseTime reads a Redfish date and time (DSP0266: ISO 8601 with an offset). Some leave
// the offset out and give it beside (HPE, AMI), some write +0000 without a colon.
func parseTime(s, offset string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) > maxText {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	zone := time.UTC
	if t, err := time.Parse("-07:00", strings.TrimSpace(offset)); err == nil {
		zone = t.Location()
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, zone)
	return t, err == nil
}

// ntp reads the NTP setting where the BMC has it: in ManagerNetworkProtocol, else in its
// vendor's place.
func (c *Controller) ntp(ctx context.Context, m *manager) (ntpDialect, string, ntpSetting, error) {
	var err error
	for _, d := range []ntpDialect{standardNTP(), c.traits.ntp} {
		if d.at == nil || d.at(m) == "" {
			continue
		}
		r, readErr := c.propertiesAt(ctx, d.at(m))
		if readErr != nil {
			err = readErr
			continue
		}
		if d.at(m) == m.NetworkProtocol.URI && r["NTP"] == nil {
			continue
		}
		return d, d.at(m), d.read(r), nil
	}
	if err == nil {
		err = c.lacks("NTP to set")
	}
	return ntpDialect{}, "", ntpSetting{}, err
}

// SetClock makes the BMC follow the servers, or sets its time to ours without any, and
// reads it back. Of more servers than it takes the first are kept.
func (c *Controller) SetClock(ctx context.Context, servers []string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	ctx = withBudget(ctx, maxCustodyReads)
	clock, m, err := c.time(ctx)
	if err != nil {
		return c.explain("read the clock", err)
	}
	dialect, at, now, err := c.ntp(ctx, m)
	if len(servers) > 0 {
		if err != nil {
			return c.explain("read NTP", err)
		}
		return c.followNTP(ctx, dialect, at, now, servers)
	}
	if err == nil && now.on {
		if err := c.followNTP(ctx, dialect, at, now, nil); err != nil {
			return err
		}
	}
	if clock.Off.Abs() < near {
		return nil
	}
	return c.setTime(ctx, m)
}

// followNTP writes the NTP servers; none switches NTP off.
func (c *Controller) followNTP(ctx context.Context, d ntpDialect, at string, now ntpSetting, servers []string) error {
	if d.most > 0 && len(servers) > d.most {
		c.log.Info("bmc takes fewer NTP servers", "takes", d.most, "asked", len(servers))
		servers = servers[:d.most]
	}
	right := func(s ntpSetting) bool {
		if len(servers) == 0 {
			return !s.on
		}
		return s.has(servers)
	}
	if right(now) {
		return nil
	}
	_, wrote := c.write(ctx, at, d.write(servers))
	return c.readBack(ctx, "set the NTP servers", wrote, func(ctx context.Context) (bool, error) {
		r, err := c.propertiesAt(ctx, at)
		return err == nil && right(d.read(r)), err
	})
}

// setTime writes the time, in the zone the BMC keeps.
func (c *Controller) setTime(ctx context.Context, m *manager) error {
	if c.traits.noManualTime {
		return fault.Invalidf("BMC %s lets nobody set its time", c.access.Address).
			WithHint("give it NTP servers to follow")
	}
	zone := time.UTC
	if t, err := time.Parse("-07:00", strings.TrimSpace(m.DateTimeLocalOffset)); err == nil {
		zone = t.Location()
	}
	text := time.Now().In(zone).Format("2006-01-02T15:04:05-07:00")
	var wrote error
	if at := m.Links.Oem.Dell.DellTimeService.URI; c.traits.timeAction {
		if at == "" {
			at = strings.TrimSuffix(c.manager, "/") + "/Oem/Dell/DellTimeService"
		}
		_, wrote = c.post(ctx, at+"/Actions/DellTimeService.ManageTime", map[string]any{"GetRequest": false, "TimeData": text})
	} else {
		_, wrote = c.write(ctx, c.manager, map[string]any{"DateTime": text})
	}
	return c.readBack(ctx, "set the clock", wrote, func(ctx context.Context) (bool, error) {
		clock, _, err := c.time(ctx)
		return clock.Off.Abs() < near, err
	})
}
