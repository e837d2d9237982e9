package person

// Similar says how alike two names sound, from 0 (nothing) to 100 (the same),
// whichever scripts they are in and in whichever order their words stand. Each word
// of the shorter name is held against the best one of the longer (Jaro-Winkler on
// the sounds); what the longer has more counts a little against them, since people
// leave names out. An empty name is like none.
func Similar(a, b string) int {
	short, long := soundsOf(a), soundsOf(b)
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) == 0 {
		return 0
	}
	v := fit(short, long)
	if len(short) == len(long) { // Whose words choose first must not matter.
		v = max(v, fit(long, short))
	}
	return int(v*100 + 0.5)
}

// fit finds for each word of the shorter name its best in the longer, each once.
func fit(short, long []sound) float64 {
	taken := make([]bool, len(long))
	total := 0.0
	for _, s := range short {
		best, where := 0.0, -1
		for i, l := range long {
			if v := alikeness(s, l); !taken[i] && v > best {
				best, where = v, i
			}
		}
		if where >= 0 {
			taken[where] = true
		}
		total += best
	}
	extra := float64(len(long) - len(short))
	const perExtra = 0.08
	v := total / float64(len(short)) * (1 - perExtra*min(extra, 4))
	if len(short) == 1 && len(long) > 1 { // Karim alone says little about Karim Uddin.
		v *= 0.9
	}
	return v
}

// Near reports whether two words of a [Key] may be one word, spelt otherwise.
func Near(a, b string) bool {
	const near = 0.9
	return len(a) > 2 && len(b) > 2 && jaroWinkler(a, b) >= near
}

// alikeness compares two words.
func alikeness(a, b sound) float64 {
	v := jaroWinkler(a.bones, b.bones)
	if a.open != b.open { // রহিম is a man, রহিমা a woman.
		v *= 0.88
	}
	return v
}

// jaroWinkler is Winkler's measure (1990) with its usual constants: matches within
// half the longer string, half a point for a transposition, a bonus for up to four
// equal letters at the beginning.
func jaroWinkler(a, b string) float64 {
	if a == b {
		return 1
	}
	m, half := matches(a, b)
	if m == 0 {
		return 0
	}
	f := float64(m)
	jaro := (f/float64(len(a)) + f/float64(len(b)) + (f-float64(half)/2)/f) / 3
	prefix := 0
	for prefix < min(len(a), len(b), 4) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*0.1*(1-jaro)
}

// matches counts the letters that two words share within reach, and how many of
// them stand in another order.
func matches(a, b string) (shared, moved int) {
	reach := max(max(len(a), len(b))/2-1, 0)
	inB := make([]bool, len(b))
	var fromA []byte
	for i := range len(a) {
		for j := max(0, i-reach); j < min(len(b), i+reach+1); j++ {
			if !inB[j] && a[i] == b[j] {
				inB[j] = true
				fromA = append(fromA, a[i])
				break
			}
		}
	}
	k := 0
	for j := range len(b) {
		if !inB[j] {
			continue
		}
		if fromA[k] != b[j] {
			moved++
		}
		k++
	}
	return len(fromA), moved
}
