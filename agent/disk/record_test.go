package disk

import (
	"bytes"
	"os"
	"testing"
	"time"

	"rackwright/agent/direct"
)

func TestADiskTellsWhoWroteIt(t *testing.T) {
	path := written(t, 64)
	d := openDisk(t, path)
	if _, ok := ReadOwner(d, d.Size()); ok {
		t.Error("an empty disk has an owner")
	}
	want := Owner{Machine: "4c4c4544", Operation: "op-1", Image: "sha256:00", At: time.Unix(1700000000, 0).UTC(), Whole: true}
	for _, seed := range []Seed{seedFiles(), {}} {
		if err := Finish(d, seed, want); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := ReadOwner(f, d.Size())
		if f.Close(); !ok || got != want {
			t.Errorf("owner %+v, want %+v", got, want)
		}
	}
}

func TestTheOwnerOfAMirrorIsOnEachOfItsDisks(t *testing.T) {
	a, b := openDisk(t, oldDisk(t, 32)), openDisk(t, oldDisk(t, 32))
	m, err := NewMirror(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeOwner(m, Owner{Operation: "op-1"}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Device{a, b} {
		if o, ok := ReadOwner(d, d.Size()); !ok || o.Operation != "op-1" {
			t.Errorf("a disk of %d bytes has owner %+v", d.Size(), o)
		}
	}
}

func FuzzOwner(f *testing.F) {
	good, _ := Owner{Machine: "u", Operation: "op"}.block()
	f.Add(good)
	f.Add([]byte(ownerMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, ok := parseOwner(b); ok {
			again, err := o.block()
			if err != nil {
				return // of hostile length
			}
			if back, ok := parseOwner(again); !ok || back.Operation != o.Operation {
				t.Errorf("%+v came back as %+v", o, back)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	r := record{turn: 7, digest: [32]byte{1}, done: newBitmap(20)}
	r.done.set(19)
	f.Add(r.encode(20))
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, n, ok := parseRecord(b)
		if !ok {
			return
		}
		for i := range n {
			_ = r.done.has(i)
		}
		if back, m, ok := parseRecord(r.encode(n)); !ok || m != n || back.turn != r.turn || !bytes.Equal(back.done, r.done) {
			t.Errorf("%+v came back as %+v", r, back)
		}
	})
}

func TestTheNewerOfTwoRecordsCounts(t *testing.T) {
	d := openDisk(t, oldDisk(t, 16))
	digest := [32]byte{9}
	for turn := uint64(1); turn <= 3; turn++ {
		r := record{turn, digest, newBitmap(8)}
		r.done.set(int(turn))
		if err := writeFull(d, r.encode(8), recordAt(d.Size(), turn)); err != nil {
			t.Fatal(err)
		}
	}
	r, turn := readRecord(d, digest, 8)
	if turn != 3 || r == nil || !r.done.has(3) || r.done.has(2) {
		t.Fatalf("turn %d, %+v", turn, r)
	}
	torn := direct.Buffer(direct.Align, 0)
	if err := writeFull(d, torn, recordAt(d.Size(), 3)); err != nil {
		t.Fatal(err)
	}
	if r, turn = readRecord(d, digest, 8); turn != 2 || r == nil || !r.done.has(2) {
		t.Fatalf("after a torn write: turn %d, %+v", turn, r)
	}
	if r, _ = readRecord(d, [32]byte{8}, 8); r != nil {
		t.Error("a record of another image was believed")
	}
}
