package run

import (
	"context"
	"fmt"
	"io"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
)

// Depot has the bytes of firmware files.
type Depot interface {
	// OpenFile is NotFound when this server does not have them.
	OpenFile(digest string) (io.ReadCloser, error)
	// URL is where a BMC at an address fetches what a ticket is for; "" when no server of
	// ours can be reached by BMCs.
	URL(bmcAddress, ticket, original string) string
}

// Tickets let BMCs fetch files.
type Tickets interface {
	IssueTicket(ctx context.Context, operation, digest string) (string, error)
	EndTickets(ctx context.Context, operation string) error
}

// firmwareChecked sees, before anything is changed, that the files are here, that the BMC
// answers, and that the machine has the versions for which the files were chosen.
func firmwareChecked(ctx context.Context, j *job, _ *deploy.Step) outcome {
	o := j.op.Order.Firmware
	switch {
	case o == nil || len(o.Files) == 0 || j.machine.BMC == nil:
		return park("no-order", "the operation names no files, or the machine has no BMC any more", "cancel it and ask anew")
	case j.machine.Phase == inventory.Active && !o.Active:
		return park("machine-active", j.machine.Name+" became active meanwhile", "cancel this operation; ask again with --active once its work is moved away")
	}
	for _, p := range o.Files {
		if err := j.haveFile(p); err != nil {
			if fault.Is(err, fault.NotFound) {
				return park("firmware-gone", err.Error(), hintFor(err))
			}
			return retry(err)
		}
	}
	seen, err := j.versions(ctx, "firmware versions read")
	if err != nil {
		return retry(err)
	}
	if c := changed(seen, o.Files); c != "" {
		return park("firmware-changed", c, "cancel it and ask anew: other files may be right now")
	}
	return done()
}

// changed says which component is neither as it was when the files were chosen nor on the
// way that they go.
func changed(seen *inventory.Facts, files []firmware.Pick) string {
	for i, first := range files {
		v, fits := firmware.VersionIn(seen, first.Component), false
		for at, p := range files {
			same := firmware.Key(p.Component) == firmware.Key(first.Component)
			if same && at < i {
				fits = true // judged with the first of its component
			}
			fits = fits || same && firmware.Same(v, p.To)
		}
		if !fits && first.From != "" && !firmware.Same(v, first.From) {
			return fmt.Sprintf("%s has version %q; %s was chosen for %s", first.Component, v, first.File, first.From)
		}
	}
	return ""
}

func (j *job) haveFile(p firmware.Pick) error {
	if j.w.Depot == nil {
		return fault.NotFoundf("this server keeps no firmware files")
	}
	f, err := j.w.Depot.OpenFile(p.Digest)
	if err != nil {
		return err
	}
	return f.Close()
}

// versions reads the firmware inventory; what is "" is not noted in the journal.
func (j *job) versions(ctx context.Context, what string) (*inventory.Facts, error) {
	var list []bmc.Component
	read := func(ctx context.Context, c bmc.Controller) (err error) {
		list, err = c.Components(ctx)
		return err
	}
	var err error
	if what != "" {
		err = j.act(ctx, what, read)
	} else if hand, e := j.controller(ctx); e != nil {
		err = e
	} else {
		err = read(ctx, hand)
	}
	facts := &inventory.Facts{}
	for _, c := range list {
		facts.Versions = append(facts.Versions, inventory.Version{Component: c.Name, Version: c.Version})
	}
	for _, c := range list { // a baseline may name it by its id
		facts.Versions = append(facts.Versions, inventory.Version{Component: c.ID, Version: c.Version})
	}
	return facts, err
}

// runs reports whether a file's version is there. A BMC that does not answer may be
// restarting with it: then it is not known yet.
func (j *job) runs(ctx context.Context, p *firmware.Pick) (there bool, now string, err error) {
	seen, err := j.versions(ctx, "")
	if err != nil {
		return false, "", err
	}
	now = firmware.VersionIn(seen, p.Component)
	return firmware.Same(now, p.To), now, nil
}
