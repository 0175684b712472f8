package configs

// Nearest returns the known word that text was most likely meant to be, or ""
// when none is near: at most one change for every three letters, and two at
// least.
func Nearest(text string, known []string) string {
	best, bestDistance := "", max(2, len(text)/3)+1
	for _, word := range known {
		if d := distance(text, word); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	if bestDistance >= len(best) {
		return ""
	}
	return best
}

// distance is Levenshtein's: insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(above+1, row[j]+1, cost)
			diagonal = above
		}
	}
	return row[len(b)]
}
