package direct

import (
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

func TestABufferBeginsWhereTheKernelWantsItAndHasItsSlack(t *testing.T) {
	for _, n := range []int{1, 512, Align, 1 << 20} {
		b := Buffer(n, 100)
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(b))); at%Align != 0 || len(b) != n || cap(b) != n+100 {
			t.Errorf("%d bytes at %#x, %d of %d", n, at, len(b), cap(b))
		}
	}
}

func TestAFileIsReadAroundTheCacheOrThroughIt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(name, make([]byte, 2*Align), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(name, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.ReadAt(Buffer(Align, 0), Align); n != Align || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := Open(name+"-none", os.O_RDONLY); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}
