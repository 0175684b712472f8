package templates

// Samples returns the longest realistic data of each template.
func Samples() map[string]any {
	out := map[string]any{}
	for name, e := range entries() {
		out[name] = e.sample
	}
	return out
}

// Limits returns how many words each template may give, where it has a limit.
func Limits() map[string]int {
	out := map[string]int{}
	for name, e := range entries() {
		if e.limit > 0 {
			out[name] = e.limit
		}
	}
	return out
}
