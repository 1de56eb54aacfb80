package deploy_test

import (
	"testing"

	"rackwright/deploy"
	"rackwright/fault"
)

func TestARescueNetbootsAndGivesTheMachineBackToItsDisk(t *testing.T) {
	bare := racked()
	bare.BMC = nil
	order := deploy.Order{Rescue: &deploy.RescueOrder{Keys: []string{"ssh-ed25519 AAAA"}, Seconds: 3600}}
	steps, err := deploy.Plan(deploy.Rescue, deploy.Subject{Machine: racked(), Order: order})
	if err != nil || names(steps) != "check boot-net power dhcp loader ramdisk rescue boot-disk reboot settle" {
		t.Errorf("%s, %v", names(steps), err)
	}
	if steps, err = deploy.Plan(deploy.Rescue, deploy.Subject{Machine: bare, Order: order}); err != nil || names(steps) != "check dhcp loader ramdisk rescue reboot settle" {
		t.Errorf("%s, %v", names(steps), err)
	}
	for name, o := range map[string]*deploy.RescueOrder{"nothing": nil, "nobody": {Seconds: 3600}, "no time": {Keys: []string{"k"}}, "too long": {Keys: []string{"k"}, Seconds: 86401},
		"too many": {Keys: make([]string, 65), Seconds: 3600}} {
		if _, err := deploy.Plan(deploy.Rescue, deploy.Subject{Machine: racked(), Order: deploy.Order{Rescue: o}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if deploy.Destructive(deploy.Rescue, order) {
		t.Error("a rescue overwrites nothing")
	}
}

func TestADoorIsAnAddressAndAKeyAndNothingElse(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1pxyzbFyjzVqkRJJtTnzVfxwPfHCsDV4lYqI6Nq6PV"
	if d, ok := deploy.NewDoor("10.0.0.9:22", key); !ok || d.Address != "10.0.0.9:22" || d.HostKey != key {
		t.Errorf("%+v", d)
	}
	if d, ok := deploy.NewDoor("", ""); !ok || d != (deploy.Door{}) {
		t.Errorf("the serial console alone: %+v %v", d, ok)
	}
	for _, c := range [][2]string{{"10.0.0.9", key}, {"-oProxyCommand=x:22", key}, {"10.0.0.9:22", key + "; rm"}, {"10.0.0.9:22", "ssh-rsa AAAA"}, {"10.0.0.9:22", "ssh-ed25519 A\nB"}, {"", key}} {
		if d, ok := deploy.NewDoor(c[0], c[1]); ok {
			t.Errorf("%q became %+v", c, d)
		}
	}
}
