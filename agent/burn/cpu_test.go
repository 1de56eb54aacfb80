package burn

import (
	"strings"
	"testing"
	"time"
)

func TestEveryKernelGivesItsKnownAnswer(t *testing.T) {
	for _, k := range kernels() {
		if got := k.run(); got != k.want {
			t.Errorf("%s gives %x instead of %x", k.name, got, k.want)
		}
	}
}

func BenchmarkKernels(b *testing.B) {
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.run()
			}
		})
	}
}

func TestAWrongSumIsCountedAndItsCoreNamed(t *testing.T) {
	n := 0
	lies := kernel{"a sum", func() uint64 {
		if n++; n == 2 {
			return 8
		}
		return 7
	}, 7}
	found := &findings{}
	c := newCPU(4, []kernel{lies}, found, time.Now)
	c.worked.all = time.Second
	for range 3 {
		c.sum(3)
	}
	errors, _ := found.told()
	if len(errors) != 1 || !strings.HasPrefix(errors[0], "processor core 3: a sum gave 8 instead of 7, wrong once") {
		t.Errorf("%q", errors)
	}
	for _, f := range c.figures() {
		want := map[string]float64{"work": 3, "slowest_core": 0, "wrong_results": 1}[f.Name]
		if f.Value != want {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, want)
		}
	}
}
