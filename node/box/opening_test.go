package box

import (
	"sync"
	"testing"

	"kendro/protocol"
)

// Users and the catalogue arrive at once, by two goroutines: whoever comes last
// opens the counter, and nobody shuts it again on what he saw before.
func TestOpensWhateverComesLast(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	goods, people := c.Goods(), c.Users()
	known := map[string]protocol.User{people[0].Name: people[0]}
	for round := range 100_000 {
		c.goods.Store(nil)
		c.people.mu.Lock()
		c.people.known = nil
		c.people.mu.Unlock()
		c.openForWork()

		var both sync.WaitGroup
		both.Go(func() {
			c.goods.Store(goods)
			c.openForWork()
		})
		both.Go(func() {
			c.people.mu.Lock()
			c.people.known = known
			c.people.mu.Unlock()
			c.openForWork()
		})
		both.Wait()
		if err := c.Blockers().Closed(); err != nil {
			t.Fatalf("round %d: users and catalogue are here, and the counter is shut: %v", round, err)
		}
	}
}
