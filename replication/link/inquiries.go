package link

import (
	"context"

	"kendro/protocol"
	"kendro/replication"
)

// maxInquiries bounds what a peer may ask at one time. What is more gets no answer: who
// asks gives up by himself.
const maxInquiries = 16

// inquire has the host answer, or hear an answer. It is called in a turn of the machine.
func inquire(ctx context.Context, r *runner, q *protocol.Inquiry) {
	host, ok := r.host.(replication.Informant)
	if !ok || r.beside.inquiries >= maxInquiries {
		return
	}
	r.beside.inquiries++
	peer := r.peer
	r.wg.Go(func() {
		answer := host.Inquired(ctx, peer, q)
		r.news.post(func(s *replication.Session) []replication.Action {
			r.beside.inquiries--
			if answer == nil {
				return nil
			}
			return replication.Inquire(s, answer)
		})
	})
}
