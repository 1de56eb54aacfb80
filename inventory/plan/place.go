package plan

import "strconv"

// place is where a value stands in a plan, e.g. racks[0].machines[2].nics[0].mac. It is
// put into words only when there is something to say of it.
type place struct {
	base, list string
	i          int
	field      string
}

// at is the place of a noun of the plan.
func at(base string) place { return place{base: base} }

// item is an element of one of its lists.
func (p place) item(list string, i int) place {
	if p.list != "" || p.field != "" {
		p = place{base: p.String()}
	}
	p.list, p.i = list, i
	return p
}

// of is one of its fields, e.g. ".mac".
func (p place) of(field string) place {
	p.field += field
	return p
}

func (p place) String() string {
	if p.list == "" {
		return p.base + p.field
	}
	return p.base + p.list + "[" + strconv.Itoa(p.i) + "]" + p.field
}
