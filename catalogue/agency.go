package catalogue

import (
	"cmp"
	"crypto/ed25519"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// What keeps the signatures of an agency from being taken for any other.
const (
	agencyContext     = "kendro/catalogue-agency/1\x00"
	submissionContext = "kendro/catalogue-submission/1\x00"
)

// Bounds of an agency and of what it submits at once.
const (
	maxAgency     = 16 << 10
	MaxEditors    = 32
	MaxSubmission = 128 << 10 // Bytes of all versions.
	maxSubmitted  = 32 << 10  // Bytes of what names them.
)

// agencyCode begins the IDs of an agency's services.
var agencyCode = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

// SignAgency has the catalogue's key give an agency its namespace and its editors. What
// is not as it has to be is [fault.Invalid].
func SignAgency(a *dcat.Agency, key ed25519.PrivateKey) (Signed, error) {
	if err := checkAgency(a); err != nil {
		return Signed{}, err
	}
	body, err := encode("catalogue.SignAgency", a, maxAgency)
	if err != nil {
		return Signed{}, err
	}
	return seal("catalogue.SignAgency", agencyContext, body, key)
}

// OpenAgency returns what [SignAgency] signed; fails as [Signed.Open] does.
func OpenAgency(s Signed, trusted ed25519.PublicKey) (*dcat.Agency, error) {
	const op = "catalogue.OpenAgency"
	if err := s.unseal(op, agencyContext, trusted, maxAgency); err != nil {
		return nil, err
	}
	a := new(dcat.Agency)
	if err := decode(op, s.Body, maxAgency, a); err != nil {
		return nil, err
	}
	return a, checkAgency(a)
}

func checkAgency(a *dcat.Agency) error {
	bad := func(item, text string) error { return fault.New("catalogue.Agency", fault.Invalid, item, text) }
	switch {
	case !agencyCode.MatchString(a.Code):
		return bad(clipText(a.Code), "want a code of 2 to 16 small letters and digits, such as bmet")
	case !a.Name.Complete():
		return bad(a.Code, "want a name in bn and en")
	case a.Kind != dcat.Public && a.Kind != dcat.Private:
		return bad(clipText(string(a.Kind)), "want the kind public or private")
	case a.Serial == 0 || a.Until <= 0:
		return bad(a.Code, "want a serial from 1 and a last day")
	case len(a.Editors) == 0 || len(a.Editors) > MaxEditors:
		return bad(a.Code, "want 1 to "+strconv.Itoa(MaxEditors)+" editors")
	}
	for i, e := range a.Editors {
		if e.Name == "" || len(e.Name) > 128 || len(e.Key) != ed25519.PublicKeySize {
			return bad(clipText(e.Name), "an editor needs a name and a public key of "+strconv.Itoa(ed25519.PublicKeySize)+" bytes")
		}
		if slices.ContainsFunc(a.Editors[:i], func(o dcat.Editor) bool { return o.Name == e.Name }) {
			return bad(clipText(e.Name), "two editors of one name: the record has to say who it was")
		}
	}
	return nil
}

// SignSubmission has an editor sign what he wants in force.
func SignSubmission(sub *dcat.Submission, key ed25519.PrivateKey) (Signed, error) {
	body, err := encode("catalogue.SignSubmission", sub, maxSubmitted)
	if err != nil {
		return Signed{}, err
	}
	return seal("catalogue.SignSubmission", submissionContext, body, key)
}

// OpenSubmission returns what an editor of the agency signed, and who it was.
// [fault.Denied]: no editor of this agency did, or it reaches out of the agency's
// namespace.
func OpenSubmission(s Signed, a *dcat.Agency) (*dcat.Submission, dcat.Editor, error) {
	const op = "catalogue.OpenSubmission"
	editor, ok := a.Editor(s.Key)
	if !ok {
		return nil, editor, fault.New(op, fault.Denied, a.Code, "signed by no editor of this agency")
	}
	if err := s.unseal(op, submissionContext, editor.Key, maxSubmitted); err != nil {
		return nil, editor, err
	}
	sub := new(dcat.Submission)
	if err := decode(op, s.Body, maxSubmitted, sub); err != nil {
		return nil, editor, err
	}
	if sub.Agency != a.Code || len(sub.Services)+len(sub.Withdraw) == 0 {
		return nil, editor, fault.New(op, fault.Invalid, a.Code, "want services of this agency, or some to withdraw")
	}
	names := slices.Clone(sub.Withdraw)
	for _, e := range sub.Services {
		names = append(names, e.ID)
	}
	for i, id := range names {
		if !a.Owns(id) {
			return nil, editor, fault.New(op, fault.Denied, clipText(id), "not in the namespace of this agency: its services begin with "+a.Code+".")
		}
		if slices.Contains(names[:i], id) {
			return nil, editor, fault.New(op, fault.Invalid, clipText(id), "named twice")
		}
	}
	return sub, editor, nil
}

// Submit reads the services of an agency's folder, and returns those that differ from
// what is in force under their next numbers. A service outside of the agency's namespace
// is [fault.Denied], what [Lint] finds is [fault.Invalid], and a folder in which nothing
// differs is [fault.Conflict].
func Submit(fsys fs.FS, agency string, prev *dcat.Set) ([]*dcat.Version, error) {
	const op = "catalogue.Submit"
	services, found := loadServices(fsys, prev.Directory, prev.Categories(), &Bounds{}, agency)
	if err := FindingsError(op, found); err != nil {
		return nil, err
	}
	var list []*dcat.Version
	for _, v := range services {
		if code, ok := dcat.NamespaceOf(v.ID); !ok || code != agency {
			return nil, fault.New(op, fault.Denied, v.ID, "not in the namespace of this agency: its services begin with "+agency+".")
		}
		v, err := number(v, prev)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, v.ID, err)
		}
		if now, ok := prev.Current(v.ID); !ok || now.Hash != v.Hash {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return nil, fault.New(op, fault.Conflict, agency, "nothing differs from the release in force: there is nothing to submit")
	}
	return list, nil
}

// CheckVersion returns what [Lint] has to say of a version that came without its source.
func CheckVersion(v *dcat.Version, set *dcat.Set) []Finding {
	l := linter{src: &source{name: v.ID}, dir: set.Directory, v: v}
	if !slices.Contains(set.Categories(), v.Category) {
		l.bad(v.Category.Code, 0, "category %q is not one of the catalogue in force", v.Category.Code)
	}
	l.all()
	return l.found
}

// Accept makes the next release of what an agency submitted: the one before it with these
// services in the place of theirs.
func Accept(sub *dcat.Submission, versions []*dcat.Version, prev *dcat.Set, at time.Time, note string) (*dcat.Set, error) {
	r := prev.Release
	r.Number, r.PublishedAt, r.Note = r.Number+1, at.Unix(), note
	r.Services = slices.DeleteFunc(slices.Clone(r.Services), func(e dcat.Entry) bool {
		return slices.Contains(sub.Withdraw, e.ID) || slices.ContainsFunc(sub.Services, func(n dcat.Entry) bool { return n.ID == e.ID })
	})
	r.Services = append(r.Services, sub.Services...)
	return successor(r, versions, prev)
}

// Expel makes the next release without the services of an agency.
func Expel(agency string, prev *dcat.Set, at time.Time, note string) (*dcat.Set, error) {
	r := prev.Release
	r.Number, r.PublishedAt, r.Note = r.Number+1, at.Unix(), note
	r.Services = slices.DeleteFunc(slices.Clone(r.Services), func(e dcat.Entry) bool {
		code, ok := dcat.NamespaceOf(e.ID)
		return ok && code == agency
	})
	if len(r.Services) == len(prev.Release.Services) {
		return nil, fault.New("catalogue.Expel", fault.Conflict, agency, "none of its services is in force")
	}
	return successor(r, nil, prev)
}

func successor(r dcat.Release, versions []*dcat.Version, prev *dcat.Set) (*dcat.Set, error) {
	slices.SortFunc(r.Services, func(a, b dcat.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return follow(&r, prev.Directory, append(prev.Versions(), versions...), prev)
}

// withAgencies adds the services of agencies that are in force: a pack of the district's
// neither holds nor withdraws them.
func withAgencies(services []*dcat.Version, prev *dcat.Set) []*dcat.Version {
	if prev == nil {
		return services
	}
	for _, v := range prev.Services() {
		_, foreign := dcat.NamespaceOf(v.ID)
		if foreign && !slices.ContainsFunc(services, func(s *dcat.Version) bool { return s.ID == v.ID }) {
			services = append(services, v)
		}
	}
	return services
}
