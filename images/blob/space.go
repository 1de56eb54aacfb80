package blob

import (
	"encoding/hex"
	"sync"

	"rackwright/images"
)

// spaces remembers what chunks each image has, for counting what images share. A manifest
// never changes, so nothing in it does.
type spaces struct {
	mu sync.Mutex
	of map[string][]piece
}

// piece is a chunk by the first half of its name: enough for counting.
type piece struct {
	name  [16]byte
	bytes int32
}

// Shared says for each image how many of its stored bytes other images of the store have,
// too. An image that cannot be read is left out.
func (s *Store) Shared() (map[string]int64, error) {
	digests, err := s.Digests()
	if err != nil {
		return nil, err
	}
	s.spaces.mu.Lock()
	defer s.spaces.mu.Unlock()
	known, users := s.spaces.of, map[[16]byte]int{}
	s.spaces.of = make(map[string][]piece, len(digests))
	for _, d := range digests {
		pieces, ok := known[d]
		if !ok {
			if _, m, err := s.manifest(d); err == nil {
				pieces = piecesOf(m)
			}
		}
		s.spaces.of[d] = pieces
		for _, p := range pieces {
			users[p.name]++
		}
	}
	out := make(map[string]int64, len(digests))
	for d, pieces := range s.spaces.of {
		for _, p := range pieces {
			if users[p.name] > 1 {
				out[d] += int64(p.bytes)
			}
		}
	}
	return out, nil
}

// piecesOf lists the chunks of an image, each once.
func piecesOf(m *images.Manifest) []piece {
	seen, out := make(map[[16]byte]bool, len(m.Chunks)), make([]piece, 0, len(m.Chunks))
	for _, c := range m.Chunks {
		p := piece{bytes: int32(c.Packed)}
		if _, err := hex.Decode(p.name[:], []byte(c.Blob[:32])); err == nil && !seen[p.name] {
			seen[p.name] = true
			out = append(out, p)
		}
	}
	return out
}
