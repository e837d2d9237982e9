package journal

import "time"

// committer makes what is written durable, and HEAD follow.
type committer struct {
	turn             // Whoever holds it owns HEAD and the durable mark. Taken after the right to write.
	head   *headFile // Its sync may overlap.
	view   *view
	health *health
}

// advanceTo makes the records up to seq durable, unless they are.
func (c *committer) advanceTo(op string, seq uint64) error {
	c.take()
	defer c.leave()
	if err := c.health.stopped(op); err != nil {
		return err
	}
	c.view.mu.Lock()
	done := c.view.last.seq >= seq
	c.view.mu.Unlock()
	if done || c.health.unsettled.Load() {
		return nil
	}
	return c.advance(op)
}

// advance makes what is written durable, and HEAD follow. The caller holds the
// turn.
func (c *committer) advance(op string) error {
	c.view.mu.Lock()
	tip, file := c.view.tip, File(nil)
	if n := len(c.view.segs); n > 0 && tip.seq > c.view.last.seq {
		file = c.view.segs[n-1].file // Held open as the active segment.
	}
	c.view.mu.Unlock()
	if file == nil {
		return nil
	}
	if err := file.Sync(); err != nil {
		return c.health.fail(op, err)
	}
	c.view.mu.Lock()
	c.view.last = tip
	h := c.view.headNow()
	c.view.mu.Unlock()
	if err := c.head.write(h); err != nil {
		return c.health.fail(op, err)
	}
	return nil
}

// putHead writes HEAD and syncs it. The caller holds the turn.
func (c *committer) putHead(op string, s headState) error {
	c.view.mu.Lock()
	h := c.view.headNow()
	c.view.mu.Unlock()
	h.state = s
	if err := c.head.put(h); err != nil {
		return c.health.fail(op, err)
	}
	return nil
}

// keepHead syncs HEAD now and then, so that a power cut leaves it at most that
// far behind.
func (c *committer) keepHead(every time.Duration, quit <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
			if c.health.failed.Load() == nil {
				_ = c.syncHead("journal.HEAD") // Kept as the failure that every later call answers.
			}
		}
	}
}

// SyncHead makes HEAD durable, if it was written since. A journal that is not
// alone does it by itself, every second.
func (j *Journal) SyncHead() error {
	const op = "journal.SyncHead"
	if err := j.stopped(op); err != nil {
		return err
	}
	return j.commit.syncHead(op)
}

func (c *committer) syncHead(op string) error {
	if err := c.head.sync(); err != nil {
		return c.health.fail(op, err)
	}
	return nil
}
