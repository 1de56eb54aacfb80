// Package seed makes the first-boot configuration of a deployed system: identity, SSH
// keys, network, the user's own data, and the order to phone home, in the form that the
// system reads: cloud-init's NoCloud or ConfigDrive, or Ignition. It is pure.
package seed

import (
	"encoding/json"
	"fmt"
	"strings"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/deploy/network"
	"rackwright/fault"
	"rackwright/inventory"
)

// Form is how the system is told.
type Form string

// The forms.
const (
	NoCloud     Form = "nocloud"      // cloud-init: a file system CIDATA
	ConfigDrive Form = "config-drive" // cloud-init: a file system config-2
	Ignition    Form = "ignition"     // a file in a partition of the image
	None        Form = "none"
)

// Forms lists them, the default first.
func Forms() []Form { return []Form{NoCloud, ConfigDrive, Ignition, None} }

// Subject is what a seed is made of.
type Subject struct {
	ID        string // of the operation: a new one makes the system begin anew
	Order     deploy.Order
	Machine   *inventory.Machine
	Networks  []inventory.Network
	PhoneHome string // URL that the system posts to when it is up
	Reports   string // URL for cloud-init's reports; "": none
}

// Check refuses an order whose seed could never be made, before anything boots.
func Check(o deploy.Order) error {
	if len(o.UserData) > deploy.MaxUserData {
		return fault.Invalidf("user-data of %d bytes is more than %d", len(o.UserData), deploy.MaxUserData).WithHint("let it fetch the rest")
	}
	for _, key := range o.SSHKeys {
		if strings.ContainsAny(key, "\r\n\x00") {
			return fault.Invalidf("an SSH key has more than one line").WithHint("give each line of authorized_keys by itself")
		}
	}
	switch Form(o.Seed) {
	case "", NoCloud, ConfigDrive, None:
		return nil
	case Ignition:
		if _, err := brand(o); err != nil {
			return err
		}
		_, err := userVersion(o.UserData)
		return err
	}
	return fault.Invalidf("there is no form of first-boot configuration %q", o.Seed).WithHint("forms are %v", Forms())
}

// New makes the seed of a deployment.
func New(s Subject) (wire.Seed, error) {
	if err := Check(s.Order); err != nil {
		return wire.Seed{}, err
	}
	links := network.Links(s.Machine, s.Networks)
	switch Form(s.Order.Seed) {
	case ConfigDrive:
		return configDrive(s, links), nil
	case Ignition:
		return ignition(s, links)
	case None:
		return wire.Seed{}, nil
	}
	return noCloud(s, links), nil
}

// noCloud is cloud-init's NoCloud data source. Everything we render is JSON, which is
// YAML too.
func noCloud(s Subject, links []network.Link) wire.Seed {
	meta := map[string]any{"instance-id": s.ID, "local-hostname": s.Machine.Name}
	if len(s.Order.SSHKeys) > 0 {
		meta["public-keys"] = s.Order.SSHKeys
	}
	return wire.Seed{Label: "CIDATA", Files: []wire.SeedFile{{Name: "meta-data", Content: render(meta)}, {Name: "user-data", Content: userData(s.Order)},
		{Name: "vendor-data", Content: vendorData(s, links)}, {Name: "network-config", Content: network.NetplanText(links)}}}
}

// configDrive is OpenStack's config drive, version 2.
func configDrive(s Subject, links []network.Link) wire.Seed {
	keys := map[string]string{}
	for i, key := range s.Order.SSHKeys {
		keys[fmt.Sprintf("key%d", i+1)] = key
	}
	meta := map[string]any{"uuid": s.ID, "name": s.Machine.Name, "hostname": s.Machine.Name, "public_keys": keys, "launch_index": 0}
	const folder = "openstack/latest/"
	return wire.Seed{Label: "config-2", Files: []wire.SeedFile{{Name: folder + "meta_data.json", Content: render(meta)}, {Name: folder + "user_data", Content: userData(s.Order)},
		{Name: folder + "vendor_data.json", Content: render(map[string]any{"cloud-init": vendorData(s, links)})},
		{Name: folder + "network_data.json", Content: render(network.OpenStack(links))}}}
}

// userData is the user's own, as it was given: ours is vendor-data, which it is merged over.
func userData(o deploy.Order) string {
	if o.UserData == "" {
		return "#cloud-config\n{}\n"
	}
	return o.UserData
}

// vendorData is what we ask of cloud-init: the name, the time servers, phoning home and
// telling how it goes.
func vendorData(s Subject, links []network.Link) string {
	config := map[string]any{"phone_home": map[string]any{"url": s.PhoneHome, "post": []string{"instance_id", "hostname"}, "tries": 100}}
	if domain := network.Domain(links); domain != "" {
		config["fqdn"] = s.Machine.Name + "." + domain
	}
	if servers := network.TimeServers(links); len(servers) > 0 { // the module finds out which client the system has
		config["ntp"] = map[string]any{"enabled": true, "servers": servers}
	}
	if s.Reports != "" {
		config["reporting"] = map[string]any{"rackwright": map[string]any{"type": "webhook", "endpoint": s.Reports, "timeout": 2, "retries": 0}}
	}
	return "#cloud-config\n" + render(config)
}

func render(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("seed: plain maps do not encode: " + err.Error())
	}
	return string(b) + "\n"
}
