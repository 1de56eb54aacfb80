package current

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"rackwright/boot"
	"rackwright/fault"
)

// How often the view is saved: writing takes at most a twentieth of the time.
const (
	saveEvery = 5 * time.Second
	saveShare = 20
)

// largest is the size of a saved view that is still read, bytes: that of some 2 million
// machines.
const largest = 512 << 20

// Load reads a saved view. NotFound: there is none. Invalid: it is damaged or of another
// version.
func Load(file string) (*boot.View, error) {
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return nil, fault.NotFoundf("there is no saved boot view at %s", file)
	}
	if err != nil {
		return nil, fault.Invalidf("saved boot view: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil || len(b) > largest {
		return nil, fault.Invalidf("saved boot view %s: cannot be read, or is larger than %d MiB", file, largest>>20)
	}
	v, err := boot.ReadView(b)
	if err != nil {
		return nil, fault.Invalidf("saved boot view %s: %w", file, err).WithHint("it is not used; it is written anew when the database answers")
	}
	return v, nil
}

// keep saves the view when it changed, now and then, until ctx ends and once more then.
func (f *Follower) keep(ctx context.Context) {
	if f.File == "" {
		return
	}
	failing := false
	again := func() time.Duration {
		began := time.Now()
		err := save(f.View(), f.File)
		if err != nil && !failing {
			f.Log.Warn("the boot view cannot be saved; a start without the database would answer from an older one", "error", err, "hint", fault.HintOf(err))
		}
		failing = err != nil
		return max(saveEvery, saveShare*time.Since(began))
	}
	for {
		select {
		case <-f.dirty:
		case <-ctx.Done():
			select {
			case <-f.dirty:
				again()
			default:
			}
			return
		}
		select {
		case <-time.After(again()):
		case <-ctx.Done():
		}
	}
}

// save writes a view so that whoever reads the file finds the old one or the new one
// whole, even after a power cut.
func save(v *boot.View, file string) error {
	next := file + ".new"
	if err := write(v, next); err != nil {
		os.Remove(next)
		return fault.Internalf("saved boot view: %w", err).WithHint("see that state_dir can be written and has space")
	}
	if err := os.Rename(next, file); err != nil {
		return fault.Internalf("saved boot view: %w", err)
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return fault.Internalf("saved boot view: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fault.Internalf("saved boot view: %w", err)
	}
	return nil
}

func write(v *boot.View, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := v.Save(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}
