package agent

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path"

	"rackwright/agent/rootfs"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/images"
)

// Memory is what the agent does with a system that it unpacks into memory.
type Memory struct {
	Folder func(name string) (string, error) // makes an empty file system in memory and returns where it is
	Enter  func(root string) error           // becomes the system there; returns only if that fails
	Tools  rootfs.Tools
}

// live runs a root file system in memory: it unpacks, says that it is done, and becomes it.
func (a *agent) live(ctx context.Context, o wire.Order) error {
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted})
	root, no := a.unpack(ctx, o.ID, *o.Live)
	if no != nil {
		return a.fail(ctx, o, no.reason, no.err)
	}
	_, err := rootfs.Init(root)
	if err == nil {
		a.conclude(wire.Event{Order: o.ID, Stage: wire.Completed})
		a.flushed(ctx)
		a.Say("becoming the system in memory")
		err = a.Memory.Enter(root)
	}
	return a.fail(ctx, o, wire.ReasonEnter, err)
}

// unpack fetches a root file system into memory, first-boot configuration included, and
// returns where it is.
func (a *agent) unpack(ctx context.Context, order string, o wire.LiveOrder) (string, *refusal) {
	manifest, no := a.manifest(ctx, o.Digest)
	if no != nil {
		return "", no
	}
	dir, err := a.Memory.Folder("system")
	if err != nil {
		return "", &refusal{wire.ReasonNoRoom, err}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", &refusal{wire.ReasonNoRoom, fault.Internalf("folder in memory: %w", err)}
	}
	defer root.Close()
	pool, done := a.sources(o.Sources)
	defer done()
	in, err := play(ctx, manifest, pool, func(at int64) {
		a.reporter.post(wire.Event{Order: order, Stage: wire.Writing, Done: at, Total: manifest.Bytes})
	})
	if err != nil {
		return "", &refusal{wire.ReasonFetch, err}
	}
	defer in.Close()
	err = rootfs.Unpack(ctx, in, root, manifest.Bytes)
	switch {
	case in.Broke() && fault.Is(err, fault.Conflict): // the tape's own word: there are only other bytes
		return "", &refusal{wire.ReasonBadDigest, damaged(o.Image, err)}
	case in.Broke():
		return "", &refusal{wire.ReasonFetch, err}
	case err == nil:
		err = seedInto(root, o.Seed)
	}
	if err != nil {
		return "", &refusal{reasonOfSystem(err), err}
	}
	return dir, nil
}

// reasonOfSystem says why a root file system that was fetched could not be put somewhere.
func reasonOfSystem(err error) string {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound:
		return wire.ReasonArchive
	case fault.Conflict:
		return wire.ReasonNoRoom
	}
	return wire.ReasonDiskIO
}

// manifest fetches the list of an image's chunks.
func (a *agent) manifest(ctx context.Context, digest string) (*images.Manifest, *refusal) {
	var b []byte
	_, err := a.client.call(ctx, http.MethodGet, "/agent/v1/manifest/"+url.PathEscape(digest), nil, &b)
	if err != nil {
		return nil, &refusal{wire.ReasonFetch, err}
	}
	m, err := images.DecodeManifest(b, digest)
	if err != nil {
		return nil, &refusal{wire.ReasonBadDigest, err}
	}
	return m, nil
}

// seedInto puts first-boot configuration where cloud-init looks for it without a disk
// (its documentation of NoCloud and ConfigDrive, "seed directory").
func seedInto(root *os.Root, seed wire.Seed) error {
	folder := map[string]string{"CIDATA": "var/lib/cloud/seed/nocloud", "config-2": "var/lib/cloud/seed/config_drive"}[seed.Label]
	if folder == "" {
		return nil
	}
	for _, f := range seed.Files {
		name := path.Join(folder, path.Clean("/"+f.Name))
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return fault.Internalf("first-boot configuration: %w", err)
		}
		if err := root.WriteFile(name, []byte(f.Content), 0o600); err != nil {
			return fault.Internalf("first-boot configuration: %w", err)
		}
	}
	return nil
}
