package person

import "strings"

// Key returns the sound of a name: the consonants of each of its words, one
// letter for all that sound alike, from Bangla or Latin letters. Spellings of one
// name in either script nearly always have the same key, so it finds candidates;
// [Similar] then says how close they are. Titles (Md., মোছাঃ) are left out, unless
// the name is nothing else. What has no letters has the empty key.
func Key(name string) string {
	ws := soundsOf(name)
	keys := make([]string, len(ws))
	for i, w := range ws {
		keys[i] = w.bones
	}
	return strings.Join(keys, " ")
}

// A sound is how one word of a name sounds.
type sound struct {
	bones string // Consonants; a leading a stands for any vowel.
	open  bool   // It ends in the vowel a, as many women's names do.
}

// soundsOf returns the words of a name that count.
func soundsOf(name string) []sound {
	var all, named []sound
	var room [32]rune
	for w := range strings.FieldsFuncSeq(strings.ToLower(name), between) {
		w = strings.TrimRight(w, "ঃ")
		letters := room[:0]
		for _, r := range w {
			letters = append(letters, r)
		}
		s := soundOf(letters)
		if s.bones == "" {
			continue
		}
		all = append(all, s)
		if !titles[w] {
			named = append(named, s)
		}
	}
	if len(named) == 0 {
		return all
	}
	return named
}

// between separates the words of a name.
func between(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '\u00a0', '.', ',', ':', ';', '-', '\'', '’', '(', ')', '/':
		return true
	}
	return false
}

// titles stand before the names of very many people.
var titles = map[string]bool{
	"মো": true, "মুহা": true, "মোহা": true, "মোহাম্মদ": true, "মুহাম্মদ": true, "মোহাম্মাদ": true,
	"মোছা": true, "মোসা": true, "মোছাম্মৎ": true, "মোসাম্মৎ": true, "জনাব": true, "আলহাজ": true, "আলহাজ্ব": true,
	"হাজী": true, "শ্রী": true, "শ্রীমতি": true, "শ্রীমতী": true,
	"md": true, "mohd": true, "mohammad": true, "mohammed": true, "muhammad": true, "mst": true, "mosammat": true,
	"musammat": true, "mr": true, "mrs": true, "ms": true, "alhaj": true, "alhaz": true, "haji": true,
	"sree": true, "sri": true, "shri": true, "smt": true,
}

// bones are alike's letters, as texts, by their slots: names are heard by the million.
var bones = tableOf(alike)

// tableOf has a place for each letter of ASCII and of the Bangla block.
func tableOf(alike map[rune]byte) (t [256]string) {
	for r, b := range alike {
		t[slot(r)] = string(b)
	}
	return t
}

// slot is where a letter stands in a table: 0 for those that have none.
func slot(r rune) byte {
	switch {
	case r > 0 && r < 0x80:
		return byte(r)
	case r >= 0x980 && r < 0xa00:
		return byte(0x80 + r - 0x980)
	}
	return 0
}

// alike gives one letter to the letters that are one sound in a name. ছ is an s
// there (ছালাম, Salam) and য় no consonant at all.
var alike = map[rune]byte{
	'ক': 'k', 'খ': 'k', 'গ': 'g', 'ঘ': 'g', 'ঙ': 'n', 'চ': 'c', 'ছ': 's', 'জ': 'j', 'ঝ': 'j', 'ঞ': 'n',
	'ট': 't', 'ঠ': 't', 'ড': 'd', 'ঢ': 'd', 'ণ': 'n', 'ত': 't', 'থ': 't', 'দ': 'd', 'ধ': 'd', 'ন': 'n',
	'প': 'p', 'ফ': 'p', 'ব': 'b', 'ভ': 'b', 'ম': 'm', 'য': 'j', 'র': 'r', 'ল': 'l', 'শ': 's', 'ষ': 's',
	'স': 's', 'হ': 'h', 'ৎ': 't', 'ং': 'n', 'ৃ': 'r', '\u09dc': 'r', '\u09dd': 'r', // ড় and ঢ় in one piece.
	'b': 'b', 'd': 'd', 'f': 'p', 'g': 'g', 'j': 'j', 'k': 'k', 'l': 'l', 'm': 'm', 'n': 'n', 'p': 'p', 'q': 'k',
	'r': 'r', 's': 's', 't': 't', 'v': 'b', 'z': 'j',
}

// soundOf reads one word in lower case.
func soundOf(w []rune) sound {
	s := make([]byte, 0, 16)
	if len(w) > 0 && strings.ContainsRune("অআইঈউঊঋএঐওঔaeiouyw", w[0]) {
		s = append(s, 'a')
		if w[0] == 'ঋ' {
			s = append(s, 'r')
		}
	}
	for i := 0; i < len(w); {
		read := bangla
		if w[i] < 0x80 {
			read = latin
		}
		heard, n := read(w, i)
		for k := range len(heard) {
			if len(s) == 0 || s[len(s)-1] != heard[k] {
				s = append(s, heard[k])
			}
		}
		i += n
	}
	return sound{bones: string(s), open: open(w)}
}

// bangla returns the consonants at w[i] and how many signs they take.
func bangla(w []rune, i int) (bones string, n int) {
	r, second, third := w[i], at(w, i+1), at(w, i+2)
	switch {
	case second == nukta && r == 'য':
		return "", 2
	case second == nukta: // ড় and ঢ়.
		return "r", 2
	case r == 'জ' && second == joint && third == 'ঞ': // জ্ঞান, Gyan.
		return "g", 3
	case r == joint && second == 'য': // আব্দুল্যা: it only lengthens.
		return "", 2
	case r == joint && second == 'ব' && at(w, i-1) != 'ম': // বিশ্বাস, Biswas: written, not spoken.
		return "", 2
	}
	return bone(r), 1
}

const (
	nukta = '\u09bc' // The dot below.
	joint = '\u09cd' // Joins two consonants.
)

// latin returns the consonants at w[i] and how many letters they take.
func latin(w []rune, i int) (bones string, n int) {
	second, third := at(w, i+1), at(w, i+2)
	switch w[i] {
	case 'x':
		return "ks", 1
	case 'c':
		switch {
		case second == 'h' && third == 'h': // Chhalam.
			return "s", 3
		case second == 'h':
			return "c", 2
		case second == 'e' || second == 'i' || second == 'y':
			return "s", 1
		}
		return "k", 1
	case 'h': // It sounds of its own at the beginning and after a vowel.
		if i == 0 || vowel(w[i-1]) {
			return "h", 1
		}
		return "", 1
	case 'n':
		if second == 'g' && !vowel(third) { // Singh; but Ranga has its g.
			return "n", 2
		}
	}
	return bone(w[i]), 1
}

func bone(r rune) string { return bones[slot(r)] }

func vowel(r rune) bool {
	switch r {
	case 'a', 'e', 'i', 'o', 'u', 'y', 'w':
		return true
	}
	return false
}

// at returns the letter at i, 0 outside the word.
func at(w []rune, i int) rune {
	if i < 0 || i >= len(w) {
		return 0
	}
	return w[i]
}

// open reports whether a word ends in the vowel a: রহিমা, Rahima, but not রহিম.
// Two joined consonants at the end of a Bangla word carry it unwritten (রত্ন).
func open(w []rune) bool {
	switch n := len(w); {
	case n < 2:
		return false
	case w[n-1] == 'a' || w[n-1] == 'া':
		return true
	default:
		return w[n-1] > 0x80 && w[n-2] == joint
	}
}
