package protocol

import "kendro/domain/fault"

// Places is the payload of ShelfPlaces, the first event of the state behind a base of
// a catalogue: where in Log its other events stand, in their order. They are those
// of the log as they were hashed there, so later blocks of it may lean on them.
type Places struct {
	Log LogID `cbor:"1,keyasint"`
	// Runs are the places: how many are passed over, how many are meant, how many are
	// passed over, and so on.
	Runs []uint64 `cbor:"2,keyasint"`
}

// NewPlaces gathers rising places of a log.
func NewPlaces(log LogID, seqs []uint64) Places {
	p := Places{Log: log}
	before := uint64(0)
	for i, seq := range seqs {
		if n := len(p.Runs); i > 0 && seq == before+1 {
			p.Runs[n-1]++
		} else {
			p.Runs = append(p.Runs, seq-before-1, 1)
		}
		before = seq
	}
	return p
}

// List returns the places, at most [MaxBaseEvents], or [fault.Invalid].
func (p *Places) List() (seqs []uint64, err error) {
	err = eachRun(p.Log, p.Runs, func(first, last uint64) error {
		if last-first >= uint64(MaxBaseEvents-len(seqs)) {
			return fault.New("protocol.Places", fault.Invalid, p.Log.String(), "more places than a base has")
		}
		for seq := first; seq <= last; seq++ {
			seqs = append(seqs, seq)
		}
		return nil
	})
	return seqs, err
}

// eachRun calls fn with the first and last place of each run of a log, until fn fails.
func eachRun(log LogID, runs []uint64, fn func(first, last uint64) error) error {
	at := uint64(0)
	for i := 0; i+1 < len(runs); i += 2 {
		first := at + runs[i] + 1
		last := first + runs[i+1] - 1
		if first <= at || last < first {
			return fault.New("protocol.Runs", fault.Invalid, log.String(), "runs out of order")
		}
		if err := fn(first, last); err != nil {
			return err
		}
		at = last
	}
	return nil
}
