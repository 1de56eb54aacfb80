package blob

import (
	"os"
	"testing"

	"rackwright/fault"
)

func TestAFullDiskIsAConflictWithAWayOut(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full, which Linux has")
	}
	defer full.Close()
	temp := &tempFile{file: full, dir: "/images"}
	if _, err := temp.Write([]byte("chunk")); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, fault.HintOf(err))
	}
}
