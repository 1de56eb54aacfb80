package bmctest

import (
	"slices"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

// media is inserted, replaced and ejected. Without hooks.Images only what needs no image
// is asked.
func (s suite) media(t *testing.T) {
	c := s.dial(t)
	if s.misses(t, Drives, func() error { _, err := c.Media(s.context(t)); return err }) {
		s.misses(t, Drives, func() error { return c.InsertMedia(s.context(t), "http://192.0.2.1/a.iso") })
		s.misses(t, Drives, func() error { return c.EjectMedia(s.context(t)) })
		return
	}
	for _, wrong := range []string{"", "nfs://192.0.2.1/a.iso", "http://user:secret@192.0.2.1/a.iso", "/a.iso"} {
		if err := c.InsertMedia(s.context(t), wrong); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("InsertMedia(%q) = %v, want Invalid with a hint", wrong, err)
		}
	}
	for range 2 {
		ok(t, "EjectMedia", c.EjectMedia(s.context(t)))
		s.drive(t, c, "")
	}
	for _, image := range append(s.hooks.Images, s.hooks.Images...) {
		for range 2 {
			ok(t, "InsertMedia", c.InsertMedia(s.context(t), image))
			s.drive(t, c, image)
		}
	}
	ok(t, "EjectMedia", c.EjectMedia(s.context(t)))
	s.drive(t, c, "")
}

// drive checks that the image and no other is in one CD drive.
func (s suite) drive(t *testing.T, c bmc.Controller, image string) {
	t.Helper()
	all, err := c.Media(s.context(t))
	ok(t, "Media", err)
	var in []string
	optical := false
	for _, m := range all {
		cd := len(m.Kinds) == 0 || slices.Contains(m.Kinds, "CD") || slices.Contains(m.Kinds, "DVD")
		optical = optical || cd
		if cd && m.Inserted {
			in = append(in, m.Image)
		}
	}
	if !optical {
		t.Fatalf("no drive of %+v is for CDs", all)
	}
	if image == "" && len(in) > 0 || image != "" && (len(in) != 1 || in[0] != "" && in[0] != image) {
		t.Fatalf("the BMC reads %q in its drives, want %q", in, image)
	}
	if s.hooks.Medium != nil {
		if got := s.hooks.Medium(); got != image {
			t.Fatalf("%q is in the drive, want %q", got, image)
		}
	}
}
