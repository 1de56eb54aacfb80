package redfish

import (
	"rackwright/racksim"
)

// ill is a part that is not well.
type ill struct{ path, name, severity, says string }

// ills are the parts of the rack file that are not well. What is wrong with the machine
// itself is not among them.
func (s *Service) ills() []ill {
	var all []ill
	for i, d := range s.Machine.DIMMs {
		if severity := severityOf(d.Health); severity != fine {
			all = append(all, ill{memoryPath(i), d.Slot, severity, "errors were corrected too often"})
		}
	}
	for i, p := range s.Machine.PSUs {
		switch p.Input {
		case racksim.InputLost:
			all = append(all, ill{supplyPath(i), p.Name, critical, "its input is lost"})
		case racksim.InputFailed:
			all = append(all, ill{supplyPath(i), p.Name, critical, "it gives no power"})
		}
	}
	for i, f := range s.Machine.Fans {
		if f.Failed {
			all = append(all, ill{fanPath(i), f.Name, critical, "it does not turn"})
		}
	}
	return all
}

// severityOf translates a health of the rack file.
func severityOf(health string) string {
	switch health {
	case racksim.HealthWarning:
		return warning
	case racksim.HealthCritical:
		return critical
	}
	return fine
}

// rollup is the worst of them.
func rollup(ills []ill) string {
	worst := fine
	for _, i := range ills {
		if i.severity == critical || worst == fine {
			worst = i.severity
		}
	}
	return worst
}

// health is the machine's own, what is rolled up of its parts, and why.
func (s *Service) health() body {
	ills := s.ills()
	b := body{"State": "Enabled", "Health": fine, "HealthRollup": rollup(ills)}
	conditions := []body{}
	for _, i := range ills {
		h := happening{n: hapPart, args: []any{i.name, i.says}}
		c := h.message()
		c["OriginOfCondition"], c["Severity"] = link(i.path), i.severity
		conditions = append(conditions, c)
	}
	if err := s.Hardware.Fault(); err != nil {
		b["Health"], b["HealthRollup"] = critical, critical
		conditions = append(conditions, body{"MessageId": registry + "." + msgGeneralError.key, "Message": err.Error(), "Severity": critical})
	}
	if len(conditions) > 0 {
		b["Conditions"] = conditions
	}
	return b
}

// partStatus is a part's own.
func partStatus(severity string) body {
	return body{"State": "Enabled", "Health": severity, "HealthRollup": severity}
}

// noteFaults writes what is wrong from the start into the log.
func (s *Service) noteFaults() {
	for _, i := range s.ills() {
		s.note(s.sel, i.path, hapPart, i.name, i.says)
	}
}
