package scripted

import (
	"testing"
	"time"
)

func TestTwentyMachinesAreDeployedAtOnceOnTheEmbeddedDatabase(t *testing.T) {
	w := newWorld(t, nodes(20)).start()
	began := time.Now()
	ids := map[string]string{}
	for _, n := range w.nodes {
		ids[n.name] = w.deploy(n.name).ID
	}
	for _, n := range w.nodes {
		w.whole(n, w.succeeded(ids[n.name]))
	}
	t.Logf("20 machines active after %s", since(began))
}
