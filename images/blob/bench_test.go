package blob_test

import (
	"os"
	"testing"

	"rackwright/images/blob"
	"rackwright/images/imagetest"
)

func BenchmarkImportRaw(b *testing.B) {
	path := imagetest.Write(b, imagetest.Spec{BIOS: true, RootMiB: 500})
	st, _ := os.Stat(path)
	b.SetBytes(st.Size())
	for b.Loop() {
		s, _ := open(b)
		if _, err := s.ImportFile(b.Context(), path, blob.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
