package deploy

import (
	"slices"

	"rackwright/line"
)

// BurnWork is what attempts of a burn-in measured and found wrong.
type BurnWork struct {
	Seconds int          `json:"seconds"`
	Figures []BurnFigure `json:"figures,omitempty" nullable:"false"`
	Errors  []string     `json:"errors,omitempty" nullable:"false" doc:"What went wrong, one line each"`
	Notes   []string     `json:"notes,omitempty" nullable:"false" doc:"What could not be worked, and is no error"`
}

// BurnFigure is one measured figure of one part.
type BurnFigure struct {
	Test   string  `json:"test" doc:"cpu, memory, disk or network"`
	Part   string  `json:"part,omitempty" doc:"A disk's serial, a port's name; absent: the whole"`
	Of     string  `json:"of,omitempty" doc:"What such parts are alike by, e.g. a disk's model"`
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit,omitempty"`
	Fold   string  `json:"fold,omitempty" enum:"sum,least,most,mean" doc:"How the figures of attempts become one"`
	Better string  `json:"better,omitempty" enum:"more,less" doc:"Which way is better; absent: it is not compared"`
}

// Bounds of what is kept of a burn-in; an agent is not believed to keep its own.
const (
	maxBurnFigures = 1024
	maxBurnLines   = 64
	maxBurnText    = 300 // bytes
)

// And is the work of attempts together, next after w.
func (w BurnWork) And(next BurnWork) BurnWork {
	out := BurnWork{Seconds: w.Seconds + next.Seconds, Figures: slices.Clone(w.Figures),
		Errors: lines(w.Errors, next.Errors), Notes: lines(w.Notes, next.Notes)}
	at := map[string]int{}
	for i, f := range out.Figures {
		at[f.Test+"\x00"+f.Part+"\x00"+f.Name] = i
	}
	for _, f := range next.Figures {
		key := f.Test + "\x00" + f.Part + "\x00" + f.Name
		if i, known := at[key]; known {
			out.Figures[i] = f.after(out.Figures[i], w.Seconds, next.Seconds)
		} else if len(out.Figures) < maxBurnFigures {
			at[key] = len(out.Figures)
			out.Figures = append(out.Figures, f)
		}
	}
	return out
}

// after folds a figure with the one of earlier attempts; seconds are those of the work.
func (f BurnFigure) after(was BurnFigure, before, now int) BurnFigure {
	switch f.Fold {
	case "sum":
		f.Value += was.Value
	case "least":
		f.Value = min(f.Value, was.Value)
	case "most":
		f.Value = max(f.Value, was.Value)
	case "mean":
		if all := before + now; all > 0 {
			f.Value = (was.Value*float64(before) + f.Value*float64(now)) / float64(all)
		}
	}
	return f
}

// lines are those of both, each once.
func lines(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if len(out) < maxBurnLines && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Bounded is the work with no more in it than is kept.
func (w BurnWork) Bounded() BurnWork {
	w.Figures = w.Figures[:min(len(w.Figures), maxBurnFigures)]
	w.Errors, w.Notes = clipped(w.Errors), clipped(w.Notes)
	for i := range w.Figures {
		f := &w.Figures[i]
		for _, s := range []*string{&f.Test, &f.Part, &f.Of, &f.Name, &f.Unit} {
			*s = line.Of(*s, 128)
		}
		if !slices.Contains([]string{"sum", "least", "most", "mean"}, f.Fold) {
			f.Fold = ""
		}
		if f.Better != "more" && f.Better != "less" {
			f.Better = ""
		}
	}
	return w
}

func clipped(list []string) (out []string) {
	for _, s := range list[:min(len(list), maxBurnLines)] {
		out = append(out, line.Of(s, maxBurnText))
	}
	return out
}
