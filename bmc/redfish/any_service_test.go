package redfish_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/redfish"
	"rackwright/fault"
)

// TestAnyRedfishService runs the suite against the Redfish service that the environment
// names, and skips without one: docs/running/bmc-probe.md says how. The machine behind it
// is switched, its accounts, settings and boot order are changed and put back, its log is
// cleared. What the service says that it cannot do is checked to be told as such.
func TestAnyRedfishService(t *testing.T) {
	access := bmc.Access{
		Address:           os.Getenv("RACKWRIGHT_REDFISH"),
		Username:          os.Getenv("RACKWRIGHT_REDFISH_USERNAME"),
		Password:          os.Getenv("RACKWRIGHT_REDFISH_PASSWORD"),
		CertificateSHA256: os.Getenv("RACKWRIGHT_REDFISH_SHA256"),
	}
	if access.Address == "" {
		t.Skip("RACKWRIGHT_REDFISH names no service")
	}
	dialer := &redfish.Dialer{Log: slog.New(slog.DiscardHandler)}
	if os.Getenv("RACKWRIGHT_REDFISH_TRACE") != "" {
		dialer.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	hooks := bmctest.Hooks{Timeout: 10 * time.Minute, Open: access.Password == "", Stranger: true, Images: words("RACKWRIGHT_REDFISH_IMAGES")}
	for _, g := range words("RACKWRIGHT_REDFISH_WITHOUT") {
		hooks.Without = append(hooks.Without, bmctest.Group(g))
	}
	ask(t, dialer, access, &hooks)
	t.Logf("without %v, boots next from %v, locator LED %t", hooks.Without, hooks.Targets, !hooks.NoLED)
	bmctest.Run(t, dialer, access, hooks)
}

// words reads a list from the environment.
func words(name string) []string {
	return strings.FieldsFunc(os.Getenv(name), func(r rune) bool { return r == ',' || r == ' ' })
}

// ask finds out what the service says that it cannot do.
func ask(t *testing.T, dialer bmc.Dialer, access bmc.Access, hooks *bmctest.Hooks) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hooks.Timeout)
	defer cancel()
	c, err := dialer.Dial(ctx, access)
	if err != nil {
		t.Fatalf("Dial: %v (%s)", err, fault.HintOf(err))
	}
	defer c.Close(ctx)
	cannot := func(err error) bool { return fault.Is(err, fault.Invalid) }
	for group, call := range map[bmctest.Group]func() error{
		bmctest.Order:       func() error { _, err := c.BootOrder(ctx); return err },
		bmctest.SecureBoots: func() error { _, err := c.SecureBoot(ctx); return err },
		bmctest.KeyResets:   func() error { _, err := c.SecureBoot(ctx); return err },
		bmctest.Drives:      func() error { _, err := c.Media(ctx); return err },
		bmctest.Setups:      func() error { _, err := c.Settings(ctx); return err },
		bmctest.Lasting:     func() error { return c.SetNextBoot(ctx, bmc.Boot{Target: bmc.BootPXE, Lasting: true}) },
	} {
		if cannot(call()) && !slices.Contains(hooks.Without, group) {
			hooks.Without = append(hooks.Without, group)
		}
	}
	hooks.NoLED = cannot(c.Locate(ctx, false))
	for _, target := range []bmc.Target{bmc.BootPXE, bmc.BootDisk, bmc.BootHTTP, bmc.BootCD, bmc.BootSetup} {
		if err := c.SetNextBoot(ctx, bmc.Boot{Target: target}); err != nil {
			t.Logf("it does not boot from %s next: %v", target, err)
			continue
		}
		hooks.Targets = append(hooks.Targets, target)
		if next, err := c.NextBoot(ctx); err == nil && next.Lasting && !slices.Contains(hooks.Without, bmctest.Once) {
			hooks.Without = append(hooks.Without, bmctest.Once)
		}
	}
	if len(hooks.Targets) == 0 {
		t.Fatal("it takes no boot override")
	}
	if err := c.SetNextBoot(ctx, bmc.Boot{Target: bmc.BootNone}); err != nil {
		t.Errorf("the override is not cleared: %v", err)
	}
}
