package desk

import (
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/web/api"
)

// TestTrainingList: the supervisor notes a training and reads who holds what; what a
// service of the centre asks for and nobody noted is named with it.
func TestTrainingList(t *testing.T) {
	o := newOffice(t)
	const path = "/v1/users/rahima/training"
	note := `{"tag":"platform","on":"2026-09-01","where":"Jashore PTI","certificate":"B-1042","until":"2027-08-31"}`
	into[api.Problem](t, o.call("root", "POST", path, note), 403)
	into[api.Problem](t, o.call("anna", "POST", path, note), 403)
	into[api.Problem](t, o.call("uno", "POST", path, `{"tag":"juggling","on":"2026-09-01"}`), 404)
	into[api.Problem](t, o.call("uno", "POST", path, `{"tag":"platform","on":"yesterday"}`), 400)
	into[api.Problem](t, o.call("uno", "POST", "/v1/users/anna/training", note), 404)
	into[api.Done](t, o.call("uno", "POST", path, note), 200)
	list := into[api.TrainingList](t, o.call("uno", "GET", "/v1/training", ""), 200)
	if len(list.People) != 1 || list.People[0].User != "rahima" || len(list.People[0].Lacks) != 0 || len(list.People[0].Noted) != 1 {
		t.Fatalf("the list is %+v", list)
	}
	n := list.People[0].Noted[0]
	if n.Tag != "platform" || n.Name.EN == "" || n.By != "uno" || n.Certificate != "B-1042" || n.On.Format(time.DateOnly) != "2026-09-01" || n.Until.Format(time.DateOnly) != "2027-08-31" {
		t.Errorf("what was noted reads %+v", n)
	}
	into[api.Problem](t, o.call("uno", "GET", "/v1/training?area=41", ""), 403)
	if far := into[api.TrainingList](t, o.call("audit", "GET", "/v1/training?area=41-11", ""), 200); len(far.People) != 0 {
		t.Errorf("another upazila lists %+v", far)
	}

	u, err := o.reg.User("rahima")
	if err != nil {
		t.Fatal(err)
	}
	v := *o.version()
	v.Number, v.Training = v.Number+1, []string{"platform", "bmet-demo"}
	if v.Hash, err = catalogue.HashVersion(&v); err != nil {
		t.Fatal(err)
	}
	r := o.set.Release
	r.Services = slices.Clone(r.Services)
	i := slices.IndexFunc(r.Services, func(e dcat.Entry) bool { return e.ID == v.ID })
	r.Services[i] = dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash}
	asks, err := dcat.NewSet(r, o.set.Directory, append(o.set.Versions(), &v))
	if err != nil {
		t.Fatal(err)
	}
	if p := trainedOf(asks, u, o.now().Unix()); len(p.Lacks) != 1 || p.Lacks[0].Tag != "bmet-demo" || p.Lacks[0].Services[0] != service {
		t.Errorf("lacking: %+v", p)
	}
}
