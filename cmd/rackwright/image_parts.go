package main

import (
	"context"
	"strings"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/images"
)

// sendParts sends the parts of a netboot image that are files, and names all.
func (w *world) sendParts(ctx context.Context, cl *client.Client, f *imageAddFlags) (out []images.PartOrder, err error) {
	signatures := map[string]string{}
	for _, s := range f.signed {
		name, file, _ := strings.Cut(s, "=")
		if signatures[name], err = readBeside(file, "signature"); err != nil {
			return nil, err
		}
	}
	all := append([]string{images.PartKernel + "=" + f.kernel, images.PartInitrd + "=" + f.initrd}, f.parts...)
	for _, s := range all {
		name, from, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fault.Invalidf("--part %s is not NAME=FILE", s).WithHint("write --part firmware=firmware.cpio.gz")
		}
		if from == "" {
			continue
		}
		p := images.PartOrder{Name: name, Signature: signatures[name]}
		if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
			p.URL = from
		} else if p.Digest, err = w.sendPart(ctx, cl, p, from); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (w *world) sendPart(ctx context.Context, cl *client.Client, p images.PartOrder, file string) (string, error) {
	f, err := openImage(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", fault.Invalidf("%s is not a regular file", file)
	}
	up := client.Upload{Name: p.Name, Signature: p.Signature, File: f, Bytes: info.Size()}
	defer w.sends(&up)()
	return cl.SendPart(ctx, up)
}
