package ipmi_test

import (
	"fmt"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/ipmi/ipmitest"
	"rackwright/fault"
	"rackwright/integration/porttest"
)

func TestOpenIPMIsBMCPassesTheSuite(t *testing.T) {
	s := ipmitest.Start(t)
	bmctest.Run(t, ipmitest.Dialer(), s.Access, bmctest.Hooks{Power: s.Power, Starts: s.Starts, Lit: s.Lit,
		NoPin: true, Source: "ipmi", Grace: 5 * time.Second, Unreachable: fmt.Sprintf("ipmi://127.0.0.1:%d", porttest.Free(t)),
		Targets: []bmc.Target{bmc.BootPXE, bmc.BootDisk, bmc.BootCD, bmc.BootSetup}, Custody: []string{bmctest.HasAccounts},
		// IPMI has none of these, and OpenIPMI's BMC neither the cold reset nor an override that lasts
		Without: []bmctest.Group{bmctest.SelfRestart, bmctest.Lasting, bmctest.Order, bmctest.SecureBoots, bmctest.KeyResets, bmctest.Drives, bmctest.Setups,
			bmctest.Updates, bmctest.Sensors, bmctest.Logs, bmctest.LogClears, bmctest.Pushes, bmctest.Streams}})
}

func TestTheGUIDIsReadInTheOrderThatMakesAUUID(t *testing.T) {
	s := ipmitest.Start(t)
	c, err := ipmitest.Dialer().Dial(t.Context(), s.Access)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Facts(t.Context())
	if err != nil || f.System.UUID != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("%+v, %v", f.System, err)
	}
}

func TestAResetNeedsAMachineThatIsOn(t *testing.T) {
	s := ipmitest.Start(t)
	c, err := ipmitest.Dialer().Dial(t.Context(), s.Access)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(t.Context()); !fault.Is(err, fault.Conflict) || s.Starts() != 0 {
		t.Errorf("reset of a machine that is off: %v, %d starts", err, s.Starts())
	}
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(t.Context()); err != nil || s.Starts() != 2 {
		t.Errorf("reset: %v, %d starts", err, s.Starts())
	}
}

func TestABMCThatCannotRestartSaysSo(t *testing.T) {
	s := ipmitest.Start(t) // OpenIPMI's knows no cold reset
	c, err := ipmitest.Dialer().Dial(t.Context(), s.Access)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ResetBMC(t.Context()); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("%v (%s), want Invalid with a hint", err, fault.HintOf(err))
	}
}
