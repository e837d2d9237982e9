package bench

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/pack/bd"
	"kendro/protocol"
)

// A corpus makes applications as people of Jashore's unions would file them: no
// two alike, none of them filler.
type corpus struct {
	set      *dcat.Set
	sampler  *catalogue.Sampler
	intake   *catalogue.Intake
	services []*dcat.Version // What a union centre files without a hub.
	wished   int             // Encoded size, 0 for any.
	now      time.Time
}

// draws is how many applications are drawn to find one of the wished size.
const draws = 400

func newCorpus(payload int, now time.Time) (*corpus, error) {
	set, err := catalogue.Build(bd.Pack(), nil, now)
	if err != nil {
		return nil, err
	}
	c := &corpus{set: set, wished: payload, now: now}
	if c.sampler, err = catalogue.NewSampler(set); err != nil {
		return nil, err
	}
	if c.intake, err = catalogue.NewIntake(set); err != nil {
		return nil, err
	}
	for _, v := range set.Services() {
		if v.Offline == dcat.Intake && v.OfferedAt(place.Union) {
			c.services = append(c.services, v)
		}
	}
	return c, nil
}

// centres returns the first n union centres.
func (c *corpus) centres(n int) ([]string, error) {
	var list []string
	for _, info := range c.set.Directory.Centres {
		if info.Type == place.Union && len(list) < n {
			list = append(list, string(info.Code))
		}
	}
	if len(list) < n {
		return nil, fault.New(op, fault.Invalid, "nodes", fmt.Sprintf("the district has %d union centres", len(list)))
	}
	return list, nil
}

// scattered returns n union centres of as many upazilas as there are: they are no
// neighbours, and keep no copies of each other's records.
func (c *corpus) scattered(n int) ([]string, error) {
	all, err := c.centres(n)
	if err != nil {
		return nil, err
	}
	const upazila = len("41-04")
	var list []string
	seen := map[string]bool{}
	for _, info := range c.set.Directory.Centres {
		code := string(info.Code)
		if info.Type == place.Union && len(list) < n && len(code) > upazila && !seen[code[:upazila]] {
			seen[code[:upazila]] = true
			list = append(list, code)
		}
	}
	for _, code := range all {
		if len(list) < n && !slices.Contains(list, code) {
			list = append(list, code)
		}
	}
	return list, nil
}

// An application is one body of POST /v1/applications, and what its event says.
type application struct {
	body    []byte
	event   protocol.Event // Without a nonce.
	encoded int            // Size of the event.
}

// draw makes the application with this number at a centre.
func (c *corpus) draw(centre string, i int) (application, error) {
	least, most := 1<<20, 0
	for try := range draws {
		a, err := c.sample(centre, uint64(i)*draws+uint64(try))
		if err != nil {
			return a, err
		}
		least, most = min(least, a.encoded), max(most, a.encoded)
		if c.wished == 0 || a.encoded*10 >= c.wished*9 && a.encoded*10 <= c.wished*11 {
			return a, nil
		}
	}
	return application{}, fault.New(op, fault.Invalid, "payload", fmt.Sprintf("no form of the catalogue comes to %d bytes; they have %d to %d", c.wished, least, most))
}

func (c *corpus) sample(centre string, seed uint64) (application, error) {
	v := c.services[seed%uint64(len(c.services))]
	body, err := c.sampler.Body(v.ID, seed, place.Centre(centre))
	if err != nil {
		return application{}, err
	}
	app, wrong, err := c.intake.Check(body, place.Union, c.now)
	if err == nil && len(wrong) > 0 {
		err = fault.New(op, fault.Internal, v.ID, "its sample is not valid: "+wrong[0].Path)
	}
	if err != nil {
		return application{}, err
	}
	e := eventOf(app, "rahima."+centre, c.now)
	e.Nonce = make([]byte, protocol.NonceSize)
	raw, err := e.Encode()
	return application{body: body, event: e, encoded: len(raw)}, err
}

// eventOf writes down an application as a node does.
func eventOf(app *catalogue.Application, actor string, at time.Time) protocol.Event {
	v := app.Version
	s := protocol.Submission{Channel: string(app.Channel), Form: app.Form, Applicant: app.Applicant}
	for _, d := range app.Documents {
		s.Originals = append(s.Originals, d.ID)
	}
	for _, c := range app.Charges {
		s.Fees = append(s.Fees, protocol.Fee{Kind: string(c.Kind), Poisha: c.Poisha})
	}
	return protocol.Event{
		Kind: protocol.Submitted, At: at.UnixMilli(), Actor: actor,
		Pin:     &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&s),
	}
}

// share splits n over k as evenly as can be; this is the i-th part.
func share(n, k, i int) int {
	part := n / k
	if i < n%k {
		part++
	}
	return part
}

// together calls fn for 0 to n-1 side by side and joins the failures.
func together(n int, fn func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
