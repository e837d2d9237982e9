package api

// SealingKeys is the answer to GET /v1/sealing-keys: the keys that boxes seal to.
type SealingKeys struct {
	Generations []SealingKey `json:"generations" doc:"The newest last"`
}

// A SealingKey is one generation of the district's sealing key.
type SealingKey struct {
	Generation int          `json:"generation"`
	Key        string       `json:"key" doc:"The first 8 bytes of the SHA-256 of its public half"`
	State      string       `json:"state" doc:"spreading: servers lack it; waiting: every server holds it, and it may be announced once a recovery share does; in-use; understood: for what was sealed until its successor was heard of; expiring: nothing that is sealed to it is taken in, and servers cut their logs; expired: they throw it away"`
	Drawn      *Time        `json:"drawn_at,omitempty"`
	Announced  *Time        `json:"announced_at,omitempty"`
	Expired    *Time        `json:"expired_at,omitempty"`
	Waits      []string     `json:"waits,omitempty" doc:"Of one that expires: servers that have not cut their log; of an expired one: servers that have not said that it is gone"`
	Lacking    []string     `json:"lacking,omitempty" doc:"Servers that have not said that they hold it"`
	Behind     []SealingBox `json:"behind,omitempty" doc:"Of the one in use: boxes that have not said in their log that they seal to it"`
}

// A SealingBox is a box that seals to an earlier key as far as the hub knows.
type SealingBox struct {
	Centre string `json:"centre"`
	Slot   string `json:"slot"`
	Key    string `json:"key,omitempty" doc:"That it said last; absent: the first"`
	Has    uint64 `json:"has" doc:"Events of its newest log that the hub has"`
}

// A SealingExpiry is the answer to GET /v1/sealing-keys/{key}/expiry.
type SealingExpiry struct {
	Key     SealingKey        `json:"key"`
	Against []SealingObstacle `json:"against" doc:"Empty: it may expire, or does"`
}

// A SealingObstacle stands against the expiry of a sealing key.
type SealingObstacle struct {
	Item string `json:"item" doc:"Such as a centre, a box's log or a server"`
	Why  string `json:"why" doc:"And what to do"`
}

// The states of a sealing key.
const (
	SealingSpreading  = "spreading"
	SealingWaiting    = "waiting"
	SealingInUse      = "in-use"
	SealingUnderstood = "understood"
	SealingExpiring   = "expiring"
	SealingExpired    = "expired"
)
