package main

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"rackwright/integration/lab"
)

// startBMCs starts racksim with all the BMCs, each at an address of its own on the loopback
// interface, 50 ms from every answer. In a storm every fifth answers nothing. They keep
// their certificates from one start to the next.
func startBMCs(ctx context.Context, b *bench, storm bool) (*process, error) {
	file, ready := filepath.Join(b.out, "rack.yaml"), filepath.Join(b.out, "ready")
	if err := writeHall(file, storm); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(ready); err != nil {
		return nil, err
	}
	p, err := startProcess(ctx, b.out, nil, filepath.Join(b.bin, "racksim"), "up", "-f", file, "--state", filepath.Join(b.out, "racksim"), "--ready-file", ready)
	if err != nil {
		return nil, err
	}
	err = lab.Until(ctx, 2*time.Minute, "racksim's BMCs", func() (bool, error) {
		_, err := os.Stat(ready)
		return err == nil, p.alive()
	})
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func writeHall(path string, storm bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "rack: hall\nunits: 48\nmachines:")
	for i := range sweptBMCs {
		at := spread("127.1.0.0", i)
		faults := ""
		if storm && hangs(at) {
			faults = ", faults: [{kind: hang}]"
		}
		fmt.Fprintf(w, `  - {name: n%05d, rack: r%04d, u: %d, kind: scripted, power: "on", bmc: {address: "%s:%s", username: root, password: secret, latency: 50ms%s}}`+"\n",
			i, i/40, i%40+1, at, bmcPort, faults)
	}
	return w.Flush()
}

// hangs reports whether a BMC is one of those that hang in a storm.
func hangs(ip netip.Addr) bool { return ip.As4()[3]%5 == 0 }
