package inventory

import (
	"slices"
	"strings"
)

// SiteTally is a site and how much there is of it.
type SiteTally struct {
	Site
	Racks    int           `json:"racks"`
	Rooms    []Room        `json:"rooms" nullable:"false" doc:"By name"`
	Machines int           `json:"machines" doc:"In its racks; retired ones are in none"`
	Phases   map[Phase]int `json:"phases" doc:"How many machines are in each phase; absent: none"`
}

// Room is a part of a site.
type Room struct {
	Name  string `json:"name" doc:"Empty for racks of which the plan names no room"`
	Racks int    `json:"racks"`
}

// Add counts a rack in a room.
func (t *SiteTally) Add(room string) {
	t.Racks++
	at, there := slices.BinarySearchFunc(t.Rooms, room, func(r Room, name string) int { return strings.Compare(r.Name, name) })
	if !there {
		t.Rooms = slices.Insert(t.Rooms, at, Room{Name: room})
	}
	t.Rooms[at].Racks++
}
