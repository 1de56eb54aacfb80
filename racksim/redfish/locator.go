package redfish

import (
	"net/http"
	"slices"
)

// Values of IndicatorLED, the property that LocationIndicatorActive took over from
// (ComputerSystem v1.12, Chassis v1.14). Both tell of one LED here.
const (
	ledOff      = "Off"
	ledLit      = "Lit"
	ledBlinking = "Blinking"
)

// Lit reports whether the machine's locator LED is on.
func (s *Service) Lit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.led != ledOff
}

// light takes the two properties of the LED: its new state, empty when none was sent.
func (c *changes) light() string {
	active, hasActive := c.flag("LocationIndicatorActive")
	led, hasLED := c.text("IndicatorLED")
	switch {
	case hasLED && !slices.Contains([]string{ledOff, ledLit, ledBlinking}, led):
		if c.bad == nil {
			c.bad = refuse(http.StatusBadRequest, msgNotInList, led, "IndicatorLED")
		}
	case hasLED:
		return led
	case hasActive && active:
		return ledBlinking
	case hasActive:
		return ledOff
	}
	return ""
}

// tell keeps what was written about finding the machine; an empty light leaves the LED.
func (s *Service) tell(light, tag string, hasTag bool) *problem {
	if hasTag && len(tag) > 63 {
		return refuse(http.StatusBadRequest, msgNotInList, tag, "AssetTag")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if light != "" && light != s.led {
		s.Logger.Info("locator LED", "machine", s.Machine.Name, "led", light)
		s.led = light
	}
	if hasTag {
		s.assetTag = tag
	}
	return nil
}
