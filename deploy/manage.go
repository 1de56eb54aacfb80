package deploy

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// StepManage makes one change at a BMC.
const StepManage StepName = "bmc"

// BMCOrder is one change at a BMC. Which fields count depends on Do.
type BMCOrder struct {
	Do      BMCDeed            `json:"do" enum:"boot,boot-order,secure-boot,secure-boot-keys,insert-media,eject-media,settings,reset-bmc,clear-log,clock,place,protocol,trust"`
	Target  string             `json:"target,omitempty" enum:"none,pxe,http,disk,cd,setup" doc:"Of boot"`
	Mode    inventory.Firmware `json:"mode,omitempty" enum:"bios,uefi" doc:"Of boot; empty leaves it alone"`
	Lasting bool               `json:"lasting,omitempty" doc:"Of boot: for every start until it is cleared"`
	URL     string             `json:"url,omitempty" maxLength:"2048" doc:"Of insert-media: an ISO image; of boot from http: what to load"`
	Order   []string           `json:"order,omitempty" nullable:"false" maxItems:"100" doc:"Of boot-order: references, first first"`
	Values  map[string]string  `json:"values,omitempty" doc:"Of settings: BIOS attributes"`
	Name    string             `json:"name,omitempty" maxLength:"64" doc:"Of protocol: which; of secure-boot-keys: default, delete or delete-pk"`
	On      bool               `json:"on,omitempty" doc:"Of secure-boot and protocol"`
	Servers []string           `json:"servers,omitempty" nullable:"false" maxItems:"8" doc:"Of clock: NTP servers; none: the BMC is set to our time"`
}

// BMCDeed names a change.
type BMCDeed string

// The changes.
const (
	BMCBoot           BMCDeed = "boot"
	BMCBootOrder      BMCDeed = "boot-order"
	BMCSecureBoot     BMCDeed = "secure-boot"
	BMCSecureBootKeys BMCDeed = "secure-boot-keys"
	BMCInsertMedia    BMCDeed = "insert-media"
	BMCEjectMedia     BMCDeed = "eject-media"
	BMCSettings       BMCDeed = "settings"
	BMCReset          BMCDeed = "reset-bmc"
	BMCClearLog       BMCDeed = "clear-log"
	BMCClock          BMCDeed = "clock"
	BMCPlace          BMCDeed = "place"
	BMCProtocol       BMCDeed = "protocol"
	BMCTrust          BMCDeed = "trust" // have UEFI HTTP boot trust our authority
)

// maxValues is how many BIOS attributes one order changes.
const maxValues = 500

// String says in a few words what the order changes; values of settings stay out.
func (o *BMCOrder) String() string {
	onOff := map[bool]string{true: "on", false: "off"}[o.On]
	switch o.Do {
	case BMCBoot:
		words := []string{"boot from " + o.Target}
		if o.Target == "none" {
			words[0] = "no boot override"
		}
		if o.Mode != "" {
			words = append(words, "("+string(o.Mode)+")")
		}
		if o.Lasting {
			words = append(words, "until cleared")
		}
		return strings.Join(words, " ")
	case BMCBootOrder:
		return "boot order " + strings.Join(o.Order, ", ")
	case BMCSecureBoot:
		return "Secure Boot " + onOff
	case BMCSecureBootKeys:
		return "Secure Boot keys: " + o.Name
	case BMCInsertMedia:
		return "virtual CD inserted"
	case BMCEjectMedia:
		return "virtual CD ejected"
	case BMCSettings:
		return "BIOS settings staged"
	case BMCReset:
		return "BMC restarted"
	case BMCClearLog:
		return "BMC's log cleared"
	case BMCClock:
		return "BMC's clock set"
	case BMCPlace:
		return "place written into the BMC"
	case BMCProtocol:
		return o.Name + " " + onOff
	case BMCTrust:
		return "authority of HTTPS boot enrolled"
	}
	return string(o.Do)
}

func planManage(s Subject) ([]Step, error) {
	o := s.Order.BMC
	if o == nil {
		return nil, fault.Invalidf("%s: which change at the BMC?", s.Machine.Name).WithHint("'rackwright bmc --help' lists them, and so does the interface's description of do")
	}
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", s.Machine.Name).WithHint("give it a bmc in the plan")
	}
	if err := o.check(s.Machine); err != nil {
		return nil, err
	}
	budget := 5
	if o.Do == BMCReset { // each further try would be one more restart
		budget = 1
	}
	return []Step{step(StepManage, o.String(), budget, 15*time.Minute)}, nil
}

// check refuses what no BMC could be asked.
func (o *BMCOrder) check(m inventory.Machine) error {
	switch o.Do {
	case BMCBoot:
		return o.checkBoot()
	case BMCBootOrder:
		return o.checkOrder()
	case BMCSecureBootKeys:
		if !slices.Contains([]string{"default", "delete", "delete-pk"}, o.Name) {
			return fault.Invalidf("Secure Boot keys cannot be reset to %q", o.Name).WithHint("say default, delete or delete-pk")
		}
	case BMCInsertMedia:
		return checkURL(o.URL, "an image for the virtual CD")
	case BMCSettings:
		return o.checkValues()
	case BMCPlace:
		if m.Slot == nil {
			return fault.Conflictf("%s is in no slot, so there is no place to write", m.Name).WithHint("give it a slot in the plan")
		}
	case BMCProtocol:
		if o.Name == "https" && !o.On {
			return fault.Invalidf("https of a BMC is how we reach it").WithHint("leave it on")
		}
		if o.Name == "" {
			return fault.Invalidf("which protocol?").WithHint("'rackwright bmc protocols %s' lists them", m.Name)
		}
	case BMCSecureBoot, BMCEjectMedia, BMCReset, BMCClearLog, BMCClock, BMCTrust:
	default:
		return fault.Invalidf("there is no change %q at a BMC", o.Do).WithHint("'rackwright bmc --help' lists them, and so does the interface's description of do")
	}
	return nil
}

func (o *BMCOrder) checkBoot() error {
	switch {
	case !slices.Contains([]string{"none", "pxe", "http", "disk", "cd", "setup"}, o.Target):
		return fault.Invalidf("a machine cannot boot from %q", o.Target).WithHint("say none, pxe, http, disk, cd or setup")
	case o.Mode != "" && o.Mode != inventory.UEFI && o.Mode != inventory.BIOS:
		return fault.Invalidf("there is no boot mode %q", o.Mode).WithHint("say bios or uefi")
	case o.URL != "" && o.Target != "http":
		return fault.Invalidf("a URL is for booting from http, not from %s", o.Target)
	case o.URL != "":
		return checkURL(o.URL, "what to load")
	}
	return nil
}

func (o *BMCOrder) checkOrder() error {
	if len(o.Order) == 0 {
		return fault.Invalidf("an empty boot order").WithHint("name references as 'rackwright bmc boot MACHINE' lists them, first first")
	}
	for i, r := range o.Order {
		if r == "" || len(r) > 200 || slices.Contains(o.Order[:i], r) {
			return fault.Invalidf("boot option %.200q is empty, too long or there twice", r)
		}
	}
	return nil
}

func (o *BMCOrder) checkValues() error {
	if len(o.Values) == 0 || len(o.Values) > maxValues {
		return fault.Invalidf("%d BIOS settings: 1 to %d can be changed at a time", len(o.Values), maxValues)
	}
	for name, value := range o.Values {
		if name == "" || len(name) > 200 || len(value) > 1000 {
			return fault.Invalidf("BIOS setting %.200q has no name or is too long", name)
		}
	}
	return nil
}

// checkURL takes what a BMC can fetch. A password in a URL would end up in its log and ours.
func checkURL(text, what string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fault.Invalidf("%s is no http or https URL", what).WithHint("write http://host/path")
	case u.User != nil:
		return fault.Invalidf("the URL of %s contains a user name or password, which BMCs write into their logs", what).
			WithHint("serve it without, on a network that only BMCs reach")
	}
	return nil
}
