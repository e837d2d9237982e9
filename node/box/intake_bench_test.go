package box

import (
	"context"
	"strconv"
	"testing"
	"time"

	"kendro/internal/nodetest"
)

// BenchmarkFile takes one application after another, without HTTP.
func BenchmarkFile(b *testing.B) {
	c := newCounter(b)
	bodies := make([][]byte, 100)
	for i := range bodies {
		bodies[i] = c.request(uint64(i)).Body
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r := Request{User: nodetest.Person, Key: strconv.Itoa(i), Body: bodies[i%len(bodies)]}
		if _, _, err := c.File(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck is the part of it that reads and judges the form.
func BenchmarkCheck(b *testing.B) {
	c := newCounter(b)
	body := c.request(1).Body
	goods := c.Goods()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, _, err := goods.Intake.Check(body, goods.Centre.Type, time.Unix(1e9, 0)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(body)), "bytes")
}
