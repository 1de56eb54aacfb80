package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// Bounds of one deployment and of what comes before it.
const (
	discoverLimit = time.Minute
	deployLimit   = 9 * time.Minute
)

// measureDeploy deploys the lab's two machines one after the other, so that each has the
// host to itself, and reports how long the stages took.
func measureDeploy(ctx context.Context, b *bench) error {
	nodes := lab.Nodes()
	w, err := lab.NewWorld(filepath.Join(b.out, "bench"), b.bin, b.cache, lab.RackFile(nodes))
	if err != nil {
		return err
	}
	defer w.Stop()
	if err := w.StartServer(ctx); err != nil {
		return err
	}
	if err := w.StartRack(ctx); err != nil {
		return err
	}
	for _, args := range [][]string{{"image", "add", "debian", w.Image()}, {"apply", "-f", w.PlanDir(), "--yes"}} {
		if out, err := w.Command(ctx, args...).CombinedOutput(); err != nil {
			return fault.Internalf("rackwright %s: %s", args[0], out)
		}
	}
	if err := discovered(ctx, w, len(nodes)); err != nil {
		return err
	}
	for _, n := range nodes {
		b.tell("deploying %s (%s)", n.Name, n.Firmware)
		if err := deployOne(ctx, b, w, n); err != nil {
			return err
		}
	}
	return nil
}

func discovered(ctx context.Context, w *lab.World, want int) error {
	return lab.Until(ctx, discoverLimit, "discovery of the machines", func() (bool, error) {
		found := 0
		for _, phase := range []inventory.Phase{inventory.Verified, inventory.Discovered} { // in this order: a machine that moves meanwhile is missed once, never counted twice
			machines, err := w.Client.Machines(ctx, client.MachineQuery{Phases: []string{string(phase)}})
			if err != nil {
				return false, err
			}
			found += len(machines)
		}
		return found == want, nil
	})
}

func deployOne(ctx context.Context, b *bench, w *lab.World, n lab.Node) error {
	op, err := w.Client.Deploy(ctx, n.Name, wire.Deploy{Image: "debian"})
	if err != nil {
		return err
	}
	at := -1
	err = lab.Until(ctx, deployLimit, n.Name+" active", func() (bool, error) {
		if op, err = w.Client.Operation(ctx, op.ID); err != nil {
			return false, err
		}
		if op.Current != at && op.Step() != nil {
			at = op.Current
			b.tell("%s: %s", n.Name, op.Step().Title)
		}
		if op.State == deploy.Parked || op.State == deploy.Failed || op.State == deploy.Cancelled {
			return false, fault.Internalf("the deployment of %s %s (%s): %s", n.Name, op.State, op.Reason, op.Message).WithHint("%s", op.Hint)
		}
		return op.State == deploy.Succeeded, nil
	})
	if err != nil {
		return fmt.Errorf("%w\n--- end of its console\n%s", err, lab.Tail(w.ConsoleLog(n.Name), 8))
	}
	image, err := w.Client.Image(ctx, "debian")
	if err != nil {
		return err
	}
	// the machine is left off: it would take processor time from what is measured next
	off, err := w.Client.Power(ctx, n.Name, "force-off")
	if err == nil {
		_, err = w.Client.WaitOperation(ctx, off.ID, 0, 30*time.Second)
	}
	if err != nil {
		return err
	}
	return reportStages(b, "deploy."+string(n.Firmware)+".", op, image.Bytes)
}

// reportStages reports a deployment's steps. The write step ends when the image was read
// back and compared, so its rate is that of both.
func reportStages(b *bench, prefix string, op deploy.Operation, imageBytes int64) error {
	stages := map[deploy.StepName]string{deploy.StepDHCP: "dhcp", deploy.StepLoader: "loader", deploy.StepRamdisk: "ramdisk",
		deploy.StepWrite: "write", deploy.StepPhone: "phone"}
	for _, s := range op.Steps {
		name, measured := stages[s.Name]
		if !measured {
			continue
		}
		took := s.Ended.Sub(s.Started).Seconds()
		if err := b.report(prefix+name, reading{value: took}); err != nil {
			return err
		}
		if s.Name == deploy.StepWrite {
			if err := b.report(prefix+"write_rate", reading{value: float64(imageBytes) / (1 << 20) / took}); err != nil {
				return err
			}
		}
	}
	return b.report(prefix+"total", reading{value: op.Finished.Sub(op.Created).Seconds()})
}
