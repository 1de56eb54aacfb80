package system

import (
	"errors"
	"io"
	"os"
	"path"

	"rackwright/fault"
)

// File goes into the file system with a label.
type File struct{ Label, Path, Content string }

// Place writes files into the partitions that carry their labels, and syncs them. A file
// that is there already is replaced. NotFound when no partition has a label.
func Place(list []Partition, mount Mounter, files []File) error {
	byLabel := map[string][]File{}
	var labels []string
	for _, f := range files {
		if byLabel[f.Label] == nil {
			labels = append(labels, f.Label)
		}
		byLabel[f.Label] = append(byLabel[f.Label], f)
	}
	for _, label := range labels {
		p, err := labelled(list, label)
		if err != nil {
			return err
		}
		if err := mount(p, true, func(root *os.Root) error { return put(root, byLabel[label]) }); err != nil {
			return err
		}
	}
	return nil
}

func labelled(list []Partition, label string) (Partition, error) {
	for _, p := range list {
		if p.Kind != "" && p.Label == label {
			return p, nil
		}
	}
	return Partition{}, fault.NotFoundf("the image has no file system labelled %q for its first-boot configuration", label).
		WithHint("the image takes another form of it: choose with --seed, or see which the image's publisher names")
}

func put(root *os.Root, files []File) error {
	for _, f := range files {
		name := path.Clean("/" + f.Path)[1:]
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return cannot(f, err)
		}
		out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return cannot(f, err)
		}
		_, err = io.WriteString(out, f.Content)
		if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
			return cannot(f, err)
		}
	}
	return nil
}

func cannot(f File, err error) error {
	return fault.Unreachablef("%s cannot be written to the file system %q: %w", f.Path, f.Label, err)
}
