package deploy

import "rackwright/fault"

// BMCOrder is one change at a BMC. Which fields count depends on Do.
type BMCOrder struct {
	Do      string            `json:"do" enum:"boot,boot-order,secure-boot,secure-boot-keys,insert-media,eject-media,settings,reset,reset-bmc,clear-log,clock,place,protocol"`
	Target  string            `json:"target,omitempty" enum:"none,pxe,http,disk,cd,setup" doc:"Of boot"`
	Mode    string            `json:"mode,omitempty" enum:"bios,uefi" doc:"Of boot; empty leaves it alone"`
	Lasting bool              `json:"lasting,omitempty" doc:"Of boot: for every start until it is cleared"`
	URL     string            `json:"url,omitempty" doc:"Of insert-media: an ISO image; of boot from http: what to load"`
	Order   []string          `json:"order,omitempty" nullable:"false" doc:"Of boot-order: references, first first"`
	Values  map[string]string `json:"values,omitempty" doc:"Of settings: BIOS attributes"`
	Name    string            `json:"name,omitempty" doc:"Of protocol: which; of secure-boot-keys: default, delete or delete-pk"`
	On      bool              `json:"on,omitempty" doc:"Of secure-boot and protocol"`
	Servers []string          `json:"servers,omitempty" nullable:"false" doc:"Of clock: NTP servers; none: those of its network, else our time"`
}

func planManage(s Subject) ([]Step, error) {
	return nil, fault.Invalidf("%s: no change at a BMC is known yet", s.Machine.Name)
}
