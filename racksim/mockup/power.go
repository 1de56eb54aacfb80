package mockup

import (
	"net/http"
	"slices"
	"time"
)

// Power states of Redfish (Resource.PowerState).
const (
	on, off       = "On", "Off"
	powering, ing = "PoweringOn", "PoweringOff"
)

// reset is ComputerSystem.Reset: what the tree allows, from the state the host is in.
func (b *BMC) reset(c *call, a action) reply {
	kind := textAt(c.body, "ResetType")
	allowed := b.allowed(a.body, "ResetType")
	switch {
	case kind == "":
		return missingParameter(a.name, "ResetType").reply()
	case allowed != nil && !slices.Contains(allowed, kind):
		return refuse(http.StatusBadRequest, "ActionParameterNotSupported", "The parameter ResetType for the action %s is not supported on the target resource.", a.name).reply()
	}
	state := textAt(b.get(a.owner), "PowerState")
	isOff := state == off || state == ing
	switch kind {
	case "On", "ForceOn":
		if !isOff {
			return b.alreadySo()
		}
		b.powerOn(a.owner)
	case "ForceOff", "GracefulShutdown":
		if isOff {
			return b.alreadySo()
		}
		b.powerOff(a.owner)
	case "PushPowerButton":
		if isOff {
			b.powerOn(a.owner)
		} else {
			b.powerOff(a.owner)
		}
	case "ForceRestart", "GracefulRestart", "PowerCycle", "FullPowerCycle":
		if isOff {
			return b.alreadySo()
		}
		b.restart(a.owner, kind)
	case "Nmi":
		if isOff {
			return b.alreadySo()
		}
	default:
		return refuse(http.StatusNotImplemented, "ActionParameterNotSupported", "ResetType %s does nothing here.", kind).reply()
	}
	switch b.habits.resetAnswer {
	case http.StatusAccepted:
		return b.accepted(b.newTask("Reset", 2*b.cfg.Turn, nil))
	case http.StatusOK:
		return reply{status: http.StatusOK, body: noted("Success")}
	}
	return none()
}

// alreadySo answers a reset to the state that the host is in.
func (b *BMC) alreadySo() reply {
	if b.habits.alreadySo == nil {
		return none()
	}
	return b.habits.alreadySo.reply()
}

func (b *BMC) powerOn(host string) {
	b.drop(host)
	b.setPower(host, powering)
	b.in(b.cfg.Turn, host, func() { b.setPower(host, on); b.start(host) })
}

func (b *BMC) powerOff(host string) {
	b.drop(host)
	b.setPower(host, ing)
	b.in(b.cfg.Turn, host, func() { b.setPower(host, off) })
}

// restart resets at once; a power cycle takes the power away first.
func (b *BMC) restart(host, kind string) {
	b.drop(host)
	if kind == "ForceRestart" || kind == "GracefulRestart" {
		b.in(b.cfg.Turn, host, func() { b.setPower(host, on); b.start(host) })
		return
	}
	b.setPower(host, off)
	b.in(b.cfg.Turn, host, func() { b.powerOn(host) })
}

// setPower tells a power state, on the system and the chassis around it.
func (b *BMC) setPower(host, state string) {
	sys := b.edit(host)
	sys["PowerState"] = state
	if state == off {
		b.progress(host, "None")
	}
	for _, uri := range members(sys, "Links", "Chassis") {
		if textAt(b.get(uri), "PowerState") != "" {
			b.edit(uri)["PowerState"] = state
		}
	}
	if state == on || state == off {
		b.note("The system is powered "+state+".", "OK")
	}
}

// start is the host's firmware starting: what was staged comes into force, the override is
// used up.
func (b *BMC) start(host string) {
	b.applyStaged(host)
	sys := b.edit(host)
	if sys["LastResetTime"] != nil {
		sys["LastResetTime"] = b.cfg.Now().UTC().Format(time.RFC3339Nano)
	}
	b.progress(host, "PrimaryProcessorInitializationStarted")
	b.in(b.cfg.Turn, host, func() { b.progress(host, "OSRunning") })
	boot := b.useOverride(host)
	b.mirrorBoot(host)
	if host == b.host {
		b.starts++
		b.booted = boot
		b.untold = append(b.untold, boot)
		b.afterReset()
	}
}

// progress tells how far a start is, where the system tells at all.
func (b *BMC) progress(host, stage string) {
	if at(b.get(host), "BootProgress") == nil {
		return
	}
	b.edit(host)["BootProgress"] = body{"LastState": stage, "LastStateTime": b.cfg.Now().UTC().Format(time.RFC3339Nano)}
}
