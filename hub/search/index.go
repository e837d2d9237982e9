package search

import (
	"sync"

	"kendro/finder"
	"kendro/protocol"
)

// An Index finds applications. It is safe for concurrent use.
type Index struct {
	following sync.Mutex // Held by the one that reads the register.
	at        map[protocol.LogID]reached

	mu      sync.RWMutex // Guards what follows.
	finder  *finder.Index
	docs    []doc // By their places there.
	logs    []protocol.LogID
	behind  bool // The register has more than was read.
	amended int  // Documents of applications that were there already.
}

// A doc is one application, by its slip and its place in an uplink: the number by
// which the register knows it is looked up only when it is found.
type doc struct {
	printed protocol.Number
	log     uint32 // Of Index.logs.
	seq     uint32 // No box files four billion applications.
}

// A reached is how far a log was read.
type reached struct {
	log uint32 // Its index in Index.logs.
	seq uint64
}

// New returns an empty index.
func New() *Index {
	return &Index{
		at: map[protocol.LogID]reached{}, finder: finder.New(), behind: true,
	}
}

// An entry is what the index keeps of one application.
type entry struct {
	doc doc
	finder.Entry
	again bool // Of an application that the index holds already.
}

// add takes applications in.
func (x *Index) add(list []entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range list {
		if _, ok := x.finder.Add(e.Entry); !ok {
			break
		}
		x.docs = append(x.docs, e.doc)
		if e.again {
			x.amended++
		}
	}
	x.finder.Settle()
}

// State says how far the index is: how many applications it holds, and whether that
// is all of them.
func (x *Index) State() (held int, complete bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.docs) - x.amended, !x.behind && !x.finder.Full()
}
