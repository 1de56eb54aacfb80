package scripted
import "testing"
func TestX(t *testing.T) {
	s := newSite(t)
	m, mac := s.machine(1023, nil)
	s.deploy[mac] = true
	ok(t, m.PowerOn(t.Context()))
	waitConsole(t, m, "no boot", 1)
	t.Log(console(m))
}
