package sim

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// A queue is virtual time: what happens when. Things of one moment happen in the
// order in which they were put there.
type queue struct {
	now   time.Duration // Since the beginning.
	items items
	count uint64
	rand  *rand.Rand
}

type item struct {
	at time.Duration
	nr uint64
	do func()
}

type items []*item

func (l items) Len() int { return len(l) }
func (l items) Less(i, j int) bool {
	return l[i].at < l[j].at || l[i].at == l[j].at && l[i].nr < l[j].nr
}
func (l items) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *items) Push(x any)   { *l = append(*l, x.(*item)) }
func (l *items) Pop() any {
	old := *l
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	return x
}

// after has something happen in a while.
func (q *queue) after(d time.Duration, do func()) {
	q.count++
	heap.Push(&q.items, &item{at: q.now + max(d, 0), nr: q.count, do: do})
}

// step lets the next thing happen, unless it lies behind end; false: nothing is
// left until then.
func (q *queue) step(end time.Duration) bool {
	if len(q.items) == 0 || q.items[0].at > end {
		q.now = max(q.now, end)
		return false
	}
	x := heap.Pop(&q.items).(*item)
	q.now = x.at
	x.do()
	return true
}

// chance is true so often.
func (q *queue) chance(p float64) bool { return q.rand.Float64() < p }

// between draws a duration.
func (q *queue) between(low, high time.Duration) time.Duration {
	return low + time.Duration(q.rand.Int64N(int64(high-low)+1))
}

// about draws a duration around a mean, mostly shorter and sometimes much longer.
func (q *queue) about(mean time.Duration) time.Duration {
	return time.Duration(q.rand.ExpFloat64() * float64(mean))
}
