package sim

import (
	"context"
	"sync"
)

// many simulates the plans on so many workers and calls told with each result, in
// the order of the plans. told returns false to end early.
func many(ctx context.Context, c *cast, plans []Plan, workers int, told func(Result) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	results := make([]Result, len(plans))
	errs := make([]error, len(plans))
	done := make([]chan struct{}, len(plans))
	for i := range done {
		done[i] = make(chan struct{})
	}
	next := make(chan int)
	var wg sync.WaitGroup
	defer func() {
		cancel() // First, so that no seed begins any more.
		wg.Wait()
	}()
	for range workers {
		wg.Go(func() {
			for i := range next {
				results[i], errs[i] = run(plans[i], c)
				close(done[i])
			}
		})
	}
	wg.Go(func() {
		defer close(next)
		for i := range plans {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	for i := range plans {
		select {
		case <-done[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
		if errs[i] != nil || !told(results[i]) {
			return errs[i]
		}
	}
	return nil
}
