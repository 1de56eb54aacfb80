package redfish

import (
	"slices"
)

const systemSettingsPath = systemPath + "/Settings"

// routeOrder serves the system's settings of the next reset: its boot order.
func (s *Service) routeOrder() {
	build := func() body {
		b := resource(systemSettingsPath, "ComputerSystem.v1_22_0.ComputerSystem", "Settings of the next reset")
		s.mu.Lock()
		order := slices.Clone(s.order)
		s.mu.Unlock()
		if order == nil {
			order = s.Setup.Order()
		}
		b["Boot"] = body{"BootOrder": order}
		return b
	}
	s.get(systemSettingsPath, build)
	s.patch(systemSettingsPath, configureComponents, build, func(c *changes) *problem {
		boot, hasBoot := c.object("Boot")
		if !hasBoot {
			return c.done()
		}
		order, hasOrder := boot.list("BootOrder")
		c.also(boot)
		if p := c.done(); p != nil || !hasOrder {
			return p
		}
		if err := s.Setup.CheckOrder(order); err != nil {
			return fromFault(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.order = order
		return nil
	})
}

// applyOrder puts a staged boot order into force.
func (s *Service) applyOrder() {
	s.mu.Lock()
	order := s.order
	s.order = nil
	s.mu.Unlock()
	if order == nil {
		return
	}
	if err := s.Setup.SetOrder(order); err != nil { // it was checked when it was staged
		s.Logger.Warn("boot order not applied", "machine", s.Machine.Name, "error", err)
		return
	}
	s.note(s.sel, systemPath, hapSettings, "BootOrder")
}
