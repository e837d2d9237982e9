package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"

	"kendro/hub"
	"kendro/hub/desk"
	"kendro/web/api"
)

// An office is a server of the hub with its HTTP, open and not yet serving.
type office struct {
	hub             *hub.Hub
	desk            *desk.Server
	public, control net.Listener
	ports           api.Ports
}

// openOffice opens the server, binds every address and says which.
func openOffice(ctx context.Context, s *hubSettings) (o *office, err error) {
	o = &office{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
			o = nil
		}
	}()
	if o.hub, err = hub.Open(s.Config); err != nil {
		if err := hub.Rejoin(ctx, s.Config, err); err != nil {
			return o, err
		}
		if o.hub, err = hub.Open(s.Config); err != nil {
			return o, err
		}
	}
	if o.public, err = api.Listen(ctx, s.HTTP, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: o.hub.Certificate}, s.plain); err != nil {
		return o, err
	}
	if o.control, err = api.ListenControl(s.Dir); err != nil {
		return o, err
	}
	o.hub.SetHTTP(cmp.Or(reachable(o.public.Addr().String(), s.Advertise), o.public.Addr().String()))
	o.ports = api.Ports{HTTP: o.public.Addr().String(), QUIC: o.hub.Addr().String()}
	mail := hub.NewMail(o.hub)
	o.desk, err = desk.New(desk.Config{
		Hub: o.hub, Status: o.status, Clock: s.Clock, Logger: s.Logger, Version: version, Traffic: o.hub.Traffic, Proxied: s.plain,
		Mail: desk.Mail{Export: mail.Export, Import: mail.Import}, Documents: o.hub, Reveal: o.hub.Reveal, Calls: hub.NewDrawer(o.hub, "calls"),
		Sealing: desk.Sealing{Turn: hub.KeyTurner(o.hub), Expire: hub.ExpiryOf(o.hub).Expire, Against: hub.ExpiryOf(o.hub).Against},
		Tried:   hub.Tried(o.hub), Attest: hub.Attester(o.hub), Receipt: hub.Receipts(o.hub), Age: s.certificateAge, Erase: desk.EraseSchedule{Servers: s.EraseWithin, Copies: s.eraseCopies},
	})
	if err == nil && s.portsFile != "" {
		err = api.WriteFile(s.portsFile, o.ports)
	}
	return o, err
}

// run serves until ctx ends or either part fails. The desks drain first: what
// they have taken needs the server.
func (o *office) run(ctx context.Context) error {
	asked, stop := context.WithCancel(ctx)
	defer stop()
	kept, letGo := context.WithCancel(context.WithoutCancel(ctx))
	defer letGo()
	ended := make(chan error, 1)
	go func() {
		err := o.hub.Run(kept)
		stop()
		ended <- err
	}()
	served := o.desk.Run(asked, o.public, o.control)
	letGo()
	return errors.Join(<-ended, served)
}

// close lets go of what was opened and not run.
func (o *office) close() error {
	var errs []error
	for _, ln := range []net.Listener{o.public, o.control} {
		if ln != nil {
			errs = append(errs, ln.Close())
		}
	}
	if o.hub != nil {
		errs = append(errs, o.hub.Close())
	}
	return errors.Join(errs...)
}

// status is how this server is, in the words of its HTTP.
func (o *office) status() api.HubStatus {
	return desk.StatusOf(o.hub.Status())
}
