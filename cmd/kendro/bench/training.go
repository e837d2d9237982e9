package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	procedure "kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// trainingSeed is where the seeds of training begin: no benchmark draws so many.
const trainingSeed = 1 << 48

// Training returns n events as boxes and hubs write them, the same ones whenever
// it is called in one build: people and services that no benchmark draws, and now
// and then what an inbox has. It is what dictionaries are trained on.
func Training(n int) ([][]byte, error) {
	at := time.Date(2026, time.July, 1, 4, 0, 0, 0, time.UTC)
	c, err := newCorpus(0, at)
	if err != nil {
		return nil, err
	}
	centres, err := c.centres(60)
	if err != nil {
		return nil, err
	}
	list := make([][]byte, 0, n)
	for i := uint64(0); len(list) < n; i++ {
		if i > uint64(n)*4 {
			return nil, fault.New(op, fault.Internal, "training", "too few samples are valid")
		}
		a, err := c.sample(centres[i%uint64(len(centres))], trainingSeed+i*7)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
		a.event.At = at.Add(time.Duration(i)*41*time.Second + time.Duration(sum[9])*time.Millisecond).UnixMilli()
		a.event.Nonce, a.event.Checkpoint = sum[:protocol.NonceSize], i*3+1
		e := a.event
		if i%16 == 15 {
			e = c.told(centres[i%uint64(len(centres))], i, a.event.At)
		}
		raw, err := e.Encode()
		if err != nil {
			return nil, err
		}
		list = append(list, raw)
	}
	return list, nil
}

// told is an event of an inbox.
func (c *corpus) told(centre string, i uint64, at int64) protocol.Event {
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-00" + centre[len(centre)-2:], Incarnation: i*0x9E3779B97F4A7C15 + 1}
	if i%32 == 15 {
		return protocol.Event{Kind: protocol.Accepted, At: at, Payload: protocol.Marshal(&protocol.Acceptance{
			Log: log, First: i, Last: i + 1 + i%200, Index: i * 5, At: at,
		})}
	}
	v := c.services[i%uint64(len(c.services))]
	post, _ := c.set.Directory.Post(v.Steps[0].Post)
	stages := []procedure.Stage{procedure.UnderReview, procedure.Received, procedure.Approved, procedure.Rejected}
	return protocol.Event{Kind: protocol.CaseMoved, At: at, Payload: protocol.Marshal(&protocol.Standing{
		Number: protocol.Number(4100100000000000 + i*9_973_771), Stage: stages[i/16%4].String(), Office: "uno-" + centre[:5],
		Since: at, Next: v.Steps[0].Post, Expected: at/1000 + 86_400*7, Version: 1 + i%5, NextName: post.Name,
	})}
}
