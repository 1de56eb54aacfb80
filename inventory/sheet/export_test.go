package sheet

// TitlesTwice lists titles that two fields claim.
func TitlesTwice() (out []string) {
	first := map[string]string{}
	for _, f := range fields {
		for _, title := range append([]string{squeeze(f.name)}, f.also...) {
			if was := first[title]; was != "" && was != f.name {
				out = append(out, title+" means "+was+" and "+f.name)
			}
			first[title] = f.name
		}
	}
	return out
}
