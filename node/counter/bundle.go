package counter

import (
	"context"
	"io"

	"kendro/domain/access"
	"kendro/replication/bundle"
	"kendro/web/api"
)

// Mail is how records leave for a USB stick and how answers come back.
type Mail struct {
	Export func(ctx context.Context, o api.BundleOrder, w io.Writer) error
	Import func(ctx context.Context, r io.Reader) (*bundle.Report, error)
}

// bundles adds the calls of the USB stick.
func (c *counter) bundles() {
	api.ServeBundles(c.api, api.BundleCalls{
		Report: bundle.Report{},
		Export: func(ctx context.Context, who api.Caller, o api.BundleOrder, w io.Writer) error {
			if err := access.May(who.Principal, access.CarryMail, c.own()); err != nil {
				return err
			}
			return c.Mail.Export(ctx, o, w)
		},
		Import: func(ctx context.Context, who api.Caller, r io.Reader) (any, error) {
			if err := access.May(who.Principal, access.CarryMail, c.own()); err != nil {
				return nil, err
			}
			return c.Mail.Import(ctx, r)
		},
	})
}
