package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/images"
)

const imageAddLong = `Send an image file to the server, which takes it apart, checks it and keeps it by digest; or
have the server fetch it: from an address (--url), from an OCI artifact (--oci), or from
a directory of its own that its configuration allows (--path).

  --kind disk     a whole disk: raw or qcow2, plain or in gzip, xz or zstd (the default)
  --kind rootfs   a tar of a root file system, plain or in gzip, xz or zstd
  --kind iso      a bootable ISO image, for a BMC's virtual CD
  --kind netboot  --kernel, --initrd and further --part NAME=FILE; addresses are fetched by
                  the server

A connection that breaks does not matter: sending goes on where it was. When it was
interrupted for longer, the same command with --resume goes on.
A name keeps its digest: give a new image a new name.`

// imageAddFlags are the flags of image add.
type imageAddFlags struct {
	order     images.ImportOrder
	kind      string
	signature string // file
	template  string // file
	resume    bool
	timeout   time.Duration
	kernel    string
	initrd    string
	parts     []string
	signed    []string
}

func imageAdd(w *world) *cobra.Command {
	f := &imageAddFlags{}
	c := &cobra.Command{Use: "add NAME [FILE|-]", Short: "Add an image: a disk, a root file system, an installer or an ISO", Args: names(1, 2), Long: imageAddLong,
		Example: "  rackwright image add debian-12 debian-12-genericcloud-amd64.qcow2 --sha256 9c5e...\n" +
			"  zstdcat disk.zst | rackwright image add golden-7 -\n" +
			"  rackwright image add debian-12 --url https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2\n" +
			"  rackwright image add golden-8 --oci registry.example.com/images/golden:8\n" +
			"  rackwright image add installer --kind netboot --kernel linux --initrd initrd.gz --answers preseed --template preseed.cfg",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if f.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, f.timeout)
				defer cancel()
			}
			img, err := w.addImage(ctx, f, args)
			if err != nil && f.timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fault.Unreachablef("image %s is not there within %s", args[0], f.timeout).
					WithHint("what the server fetches goes on: 'rackwright image import list'; a file goes on being sent with --resume")
			}
			if err != nil {
				return err
			}
			return w.show(img, func(out io.Writer) {
				fmt.Fprintf(out, "image %s added: %s on disk, %s stored, %s\n", oneLine(img.Name), bytesText(img.Bytes), bytesText(img.Stored), img.Digest)
			})
		}}
	o, flags := &f.order, c.Flags()
	flags.StringVar(&f.kind, "kind", "disk", "what it is: `disk`, rootfs, netboot or iso")
	flags.StringVar(&o.SHA256, "sha256", "", "SHA-256 of the file in `hexadecimal`; another is refused")
	flags.StringVar(&f.signature, "signature", "", "`file` with the detached signature: minisign, or cosign sign-blob")
	flags.BoolVar(&f.resume, "resume", false, "go on with what was sent before")
	flags.DurationVar(&f.timeout, "timeout", 0, "stop sending, or waiting, after this `time` (what the server fetches goes on)")
	flags.StringVar(&o.URL, "url", "", "`address` that the server fetches")
	flags.StringVar(&o.OCI, "oci", "", "artifact that the server fetches: `registry/repository:tag`, or dir:/path:tag")
	flags.StringVar(&o.Layer, "layer", "", "`title` or media type of the artifact's layer; else the largest")
	flags.StringVar(&o.Path, "path", "", "`file` on the server")
	flags.StringVar(&o.Arch, "arch", "", "`amd64` or arm64, of what does not tell it")
	flags.StringVar(&f.kernel, "kernel", "", "kernel of a netboot image: `file` or address")
	flags.StringVar(&f.initrd, "initrd", "", "initial ramdisk of a netboot image: `file` or address")
	flags.StringArrayVar(&f.parts, "part", nil, "`name=file` (or address) of a netboot image; may be repeated")
	flags.StringArrayVar(&f.signed, "part-signature", nil, "`name=file` with the signature of a part; may be repeated")
	flags.StringVar(&o.Args, "args", "", "template of the kernel's `arguments`, of a netboot image")
	flags.StringVar(&o.Answers, "answers", "", "what the template answers to: `preseed`, kickstart, autoinstall or ignition")
	flags.StringVar(&f.template, "template", "", "`file` with the template of the answers")
	return c
}

// addImage adds the image by the way the flags say.
func (w *world) addImage(ctx context.Context, f *imageAddFlags, args []string) (images.Image, error) {
	var none images.Image
	o := f.order
	o.Name, o.Kind = args[0], images.Kind(f.kind)
	if sum, ok := images.HexSHA256(o.SHA256); ok {
		o.SHA256 = sum
	}
	var err error
	if o.Signature, err = readBeside(f.signature, "signature"); err != nil {
		return none, err
	}
	fetched := o.URL != "" || o.OCI != "" || o.Path != "" || o.Kind == images.KindNetboot
	switch {
	case fetched && len(args) > 1:
		return none, fault.Invalidf("%s is there, and so is another place to take the image from", args[1]).WithHint("give a file, or one of --url, --oci, --path and --kernel")
	case !fetched && len(args) < 2:
		return none, fault.Invalidf("which file?").WithHint("name a file, - for standard input, or one of --url, --oci, --path and --kernel")
	case !fetched:
		return w.sendImage(ctx, f, o, args[1])
	}
	cl, err := w.connect()
	if err != nil {
		return none, err
	}
	if o.Kind == images.KindNetboot {
		if o.Template, err = readBeside(f.template, "template"); err == nil {
			o.Parts, err = w.sendParts(ctx, cl, f)
		}
		if err != nil {
			return none, err
		}
	}
	tell, end := w.fetches(o.Name)
	defer end()
	return cl.ImportImage(ctx, o, tell)
}

func (w *world) sendImage(ctx context.Context, f *imageAddFlags, o images.ImportOrder, name string) (images.Image, error) {
	up := client.Upload{Name: o.Name, Kind: o.Kind, SHA256: o.SHA256, Signature: o.Signature, Arch: o.Arch, File: w.in, Bytes: -1, Resume: f.resume}
	if up.Kind == images.KindDisk {
		up.Kind = ""
	}
	if name != "-" {
		file, err := openImage(name)
		if err != nil {
			return images.Image{}, err
		}
		defer file.Close()
		up.File = struct{ io.Reader }{file} // a pipe cannot be read twice
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			up.Bytes, up.File = info.Size(), file
		}
	} else {
		up.File = struct{ io.Reader }{w.in}
	}
	cl, err := w.connect()
	if err != nil {
		return images.Image{}, err
	}
	defer w.sends(&up)()
	return cl.AddImage(ctx, up)
}

func openImage(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Invalidf("read image: %w", err).WithHint("name a file you can read, or - for standard input")
	}
	info, err := f.Stat()
	if err == nil && (info.IsDir() || (info.Mode().IsRegular() && info.Size() == 0)) {
		f.Close()
		return nil, fault.Invalidf("%s holds no image", name).WithHint("name a disk image: raw or qcow2, also in gzip, xz or zstd")
	}
	return f, nil
}

// readSmall reads a text file that goes with an image, "" for no file.
func readBeside(name, what string) (string, error) {
	if name == "" {
		return "", nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fault.Invalidf("read %s: %w", what, err).WithHint("name a file you can read")
	}
	defer f.Close()
	const limit = 256 << 10
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || len(text) > limit {
		return "", fault.Invalidf("%s is no %s of at most 256 KiB", name, what).WithHint("name the right file")
	}
	return string(text), nil
}
