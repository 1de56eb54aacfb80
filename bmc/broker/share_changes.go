package broker

import (
	"context"
	"crypto/x509"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// On implements bmc.Controller.
func (s *share) On(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.On(ctx) })
}

// Off implements bmc.Controller.
func (s *share) Off(ctx context.Context, grace time.Duration) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Off(ctx, grace) })
}

// Cycle implements bmc.Controller.
func (s *share) Cycle(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Cycle(ctx) })
}

// Reset implements bmc.Controller.
func (s *share) Reset(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Reset(ctx) })
}

// ResetBMC implements bmc.Controller.
func (s *share) ResetBMC(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.ResetBMC(ctx) })
}

// SetNextBoot implements bmc.Controller.
func (s *share) SetNextBoot(ctx context.Context, b bmc.Boot) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetNextBoot(ctx, b) })
}

// SetBootOrder implements bmc.Controller.
func (s *share) SetBootOrder(ctx context.Context, references []string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetBootOrder(ctx, references) })
}

// SetSecureBoot implements bmc.Controller.
func (s *share) SetSecureBoot(ctx context.Context, on bool) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetSecureBoot(ctx, on) })
}

// ResetSecureBootKeys implements bmc.Controller.
func (s *share) ResetSecureBootKeys(ctx context.Context, what string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.ResetSecureBootKeys(ctx, what) })
}

// TrustAuthority implements bmc.Controller.
func (s *share) TrustAuthority(ctx context.Context, authority *x509.Certificate) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.TrustAuthority(ctx, authority) })
}

// InsertMedia implements bmc.Controller.
func (s *share) InsertMedia(ctx context.Context, image string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.InsertMedia(ctx, image) })
}

// EjectMedia implements bmc.Controller.
func (s *share) EjectMedia(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.EjectMedia(ctx) })
}

// ClearLog implements bmc.Controller.
func (s *share) ClearLog(ctx context.Context) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.ClearLog(ctx) })
}

// StageSettings implements bmc.Controller.
func (s *share) StageSettings(ctx context.Context, values map[string]string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.StageSettings(ctx, values) })
}

// CreateAccount implements bmc.Controller.
func (s *share) CreateAccount(ctx context.Context, name, password, role string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.CreateAccount(ctx, name, password, role) })
}

// SetPassword implements bmc.Controller.
func (s *share) SetPassword(ctx context.Context, name, password string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error {
		err := c.SetPassword(ctx, name, password)
		if err == nil || fault.Is(err, fault.Unreachable) { // it may have been taken
			s.way.rekeyed(name)
		}
		return err
	})
}

// DisableAccount implements bmc.Controller.
func (s *share) DisableAccount(ctx context.Context, name string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.DisableAccount(ctx, name) })
}

// SetProtocol implements bmc.Controller.
func (s *share) SetProtocol(ctx context.Context, name string, on bool) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetProtocol(ctx, name, on) })
}

// SetClock implements bmc.Controller.
func (s *share) SetClock(ctx context.Context, servers []string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetClock(ctx, servers) })
}

// ReplaceCertificate implements bmc.Controller.
func (s *share) ReplaceCertificate(ctx context.Context, sign bmc.SignRequest) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.ReplaceCertificate(ctx, sign) })
}

// SetPlace implements bmc.Controller.
func (s *share) SetPlace(ctx context.Context, p bmc.Place) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.SetPlace(ctx, p) })
}

// Unsubscribe implements bmc.Controller.
func (s *share) Unsubscribe(ctx context.Context, id string) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Unsubscribe(ctx, id) })
}

// Locate implements bmc.Controller.
func (s *share) Locate(ctx context.Context, on bool) error {
	return s.change(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Locate(ctx, on) })
}

// StartUpdate implements bmc.Controller.
func (s *share) StartUpdate(ctx context.Context, u bmc.Update) (out bmc.Task, err error) {
	err = s.change(ctx, func(ctx context.Context, c bmc.Controller) (err error) {
		out, err = c.StartUpdate(ctx, u)
		return err
	})
	return out, err
}

// Subscribe implements bmc.Controller.
func (s *share) Subscribe(ctx context.Context, destination, mark string) (out string, err error) {
	err = s.change(ctx, func(ctx context.Context, c bmc.Controller) (err error) {
		out, err = c.Subscribe(ctx, destination, mark)
		return err
	})
	return out, err
}
