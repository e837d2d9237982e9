package catalogue

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"kendro/domain/place"
)

var (
	wordsMissing = place.Name{BN: "এই ঘরটি পূরণ করুন।", EN: "Fill in this field."}
	wordsUnknown = place.Name{BN: "এই ফরমে এমন কোনো ঘর নেই; এটি বাদ দিন।", EN: "This form has no such field: leave it out."}
	wordsWrong   = place.Name{BN: "এই উত্তরটি গ্রহণযোগ্য নয়; সংশোধন করুন।", EN: "This answer is not acceptable: correct it."}
	wordsChoose  = place.Name{BN: "তালিকা থেকে একটি উত্তর বেছে নিন।", EN: "Choose one of the listed answers."}
	wordsDate    = place.Name{BN: "এমন কোনো তারিখ নেই। দিন, মাস ও বছর মিলিয়ে আবার লিখুন।", EN: "There is no such date. Check its day, month and year and write it again."}
	wordsEmail   = place.Name{BN: "ই-মেইল ঠিকানাটি সঠিক নয়।", EN: "This is not an e-mail address."}
	wordsInteger = place.Name{BN: "পূর্ণ সংখ্যা লিখুন।", EN: "Write a whole number."}
	wordsText    = place.Name{BN: "লেখা হিসেবে উত্তর দিন।", EN: "Answer with text."}
	wordsYesNo   = place.Name{BN: "হ্যাঁ অথবা না উত্তর দিন।", EN: "Answer yes or no."}
	wordsList    = place.Name{BN: "এখানে একটি তালিকা প্রয়োজন।", EN: "A list is needed here."}
	wordsTwice   = place.Name{BN: "একই সারি দুইবার লেখা হয়েছে।", EN: "The same row is there twice."}
	wordsForm    = place.Name{BN: "উত্তরটি সঠিক আকারে লেখা হয়নি।", EN: "The answer is not in the right form."}
)

// sentence says in our own words what a rule wants of an answer.
func sentence(k jsonschema.ErrorKind, f *Field) place.Name {
	switch x := k.(type) {
	case *kind.Type:
		return typeWords(x.Want)
	case *kind.Enum, *kind.Const:
		return wordsChoose
	case *kind.Format:
		if x.Want == "email" {
			return wordsEmail
		}
		return wordsDate
	case *kind.Pattern:
		if f != nil && f.Help.Complete() {
			return place.Name{BN: wordsForm.BN + " " + f.Help.BN, EN: wordsForm.EN + " " + f.Help.EN}
		}
		return wordsForm
	case *kind.MinLength:
		return counted("কমপক্ষে %s অক্ষর লিখুন।", "Write %s characters or more.", int64(x.Want))
	case *kind.MaxLength:
		return counted("সর্বোচ্চ %s অক্ষর লেখা যাবে।", "Write no more than %s characters.", int64(x.Want))
	case *kind.Minimum:
		return bounded("%s বা তার বেশি লিখুন।", "Write %s or more.", x.Want)
	case *kind.Maximum:
		return bounded("%s বা তার কম লিখুন।", "Write %s or less.", x.Want)
	case *kind.MinItems:
		return counted("কমপক্ষে %s টি সারি প্রয়োজন।", "At least %s rows are needed.", int64(x.Want))
	case *kind.MaxItems:
		return counted("সর্বোচ্চ %s টি সারি লেখা যাবে।", "At most %s rows are allowed.", int64(x.Want))
	case *kind.UniqueItems:
		return wordsTwice
	default:
		return wordsWrong
	}
}

func typeWords(want []string) place.Name {
	if len(want) != 1 {
		return wordsWrong
	}
	switch want[0] {
	case "integer", "number":
		return wordsInteger
	case "string":
		return wordsText
	case "boolean":
		return wordsYesNo
	case "array":
		return wordsList
	default:
		return wordsWrong
	}
}

func counted(bn, en string, n int64) place.Name {
	s := strconv.FormatInt(n, 10)
	return place.Name{BN: fmt.Sprintf(bn, banglaDigits(s)), EN: fmt.Sprintf(en, s)}
}

func bounded(bn, en string, n *big.Rat) place.Name {
	s := n.RatString()
	return place.Name{BN: fmt.Sprintf(bn, banglaDigits(s)), EN: fmt.Sprintf(en, s)}
}

// banglaDigits writes Latin digits in Bangla.
func banglaDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '০' + r - '0'
		}
		return r
	}, s)
}
