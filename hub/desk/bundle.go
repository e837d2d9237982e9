package desk

import (
	"context"
	"io"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/replication/bundle"
	"kendro/web/api"
)

// Mail is how records come by a USB stick and how answers leave.
type Mail struct {
	Export func(ctx context.Context, centre place.Centre, has []protocol.Head, bytes int, w io.Writer) error
	Import func(ctx context.Context, r io.Reader) (*bundle.Report, error)
}

// bundles adds the calls of the USB stick.
func (s *Server) bundles() {
	api.ServeBundles(s.api, api.BundleCalls{
		Report: bundle.Report{},
		Export: func(ctx context.Context, who api.Caller, o api.BundleOrder, w io.Writer) error {
			if err := access.May(who.Principal, access.CarryMail, access.Resource{}); err != nil {
				return err
			}
			if o.For == "" {
				return fault.New("desk.bundles", fault.Invalid, "for", "want the centre that the bundle is for")
			}
			return s.mail.Export(ctx, place.Centre(o.For), o.Has, o.Bytes, w)
		},
		Import: func(ctx context.Context, who api.Caller, r io.Reader) (any, error) {
			if err := access.May(who.Principal, access.CarryMail, access.Resource{}); err != nil {
				return nil, err
			}
			return s.mail.Import(ctx, r)
		},
	})
}
