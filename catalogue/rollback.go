package catalogue

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// Rollback makes the release after now that puts in force what a former one did: the
// same versions and the same directory, which whoever has read the catalogue's log
// holds already. Cases keep the version that they pinned. It fails with
// [fault.Conflict] when nothing would differ.
func Rollback(now, former *dcat.Release, at time.Time) (*dcat.Release, error) {
	const op = "catalogue.Rollback"
	if now.Directory == former.Directory && slices.Equal(now.Services, former.Services) && bytes.Equal(now.Origin, former.Origin) && bytes.Equal(now.Bounds, former.Bounds) {
		return nil, fault.New(op, fault.Conflict, strconv.Itoa(former.Number), "nothing differs from the release in force")
	}
	b, err := EncodeRelease(&dcat.Release{
		Number: now.Number + 1, Base: former.Base, Origin: former.Origin, Bounds: former.Bounds, Directory: former.Directory, Services: former.Services,
		PublishedAt: at.Unix(), Note: "as release " + strconv.Itoa(former.Number),
	})
	if err != nil {
		return nil, err
	}
	return DecodeRelease(b)
}
