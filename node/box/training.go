package box

import (
	"slices"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Lacks returns what a service asks of whoever takes it in and a login of this centre
// doesn't hold now, as far as the hub has told: a version that was in force before does
// not get round what its service asks for today.
func (b *Memory) Lacks(user string, v *dcat.Version) []string {
	asked := v.Training
	goods := b.Goods()
	if goods == nil {
		return nil
	}
	if now, ok := goods.Set.Current(v.ID); ok && now.Hash != v.Hash {
		asked = append(slices.Clip(asked), now.Training...)
	}
	if len(asked) == 0 {
		return nil
	}
	u, _ := b.User(user)
	return u.Lacks(asked, b.o.Clock().Unix())
}

// trained is [fault.Denied] where a login may not take the service in: it says what is
// to be done.
func (b *Memory) trained(user string, v *dcat.Version) error {
	lacks := b.Lacks(user, v)
	if len(lacks) == 0 {
		return nil
	}
	names := make([]string, len(lacks))
	for i, n := range b.TrainingNames(lacks) {
		names[i] = n.EN
	}
	return fault.New("box.File", fault.Denied, v.ID, "locked for "+user+" until the training is on record: "+strings.Join(names, ", ")+
		"; somebody of this centre who has it may sign in, or the UNO's office notes it (kendro user train)")
}

// TrainingNames are what trainings are called.
func (b *Shelf) TrainingNames(tags []string) []place.Name {
	list := make([]place.Name, len(tags))
	for i, tag := range tags {
		list[i] = place.Name{BN: tag, EN: tag}
		if goods := b.Goods(); goods != nil {
			list[i] = goods.Set.Directory.TrainingName(tag)
		}
	}
	return list
}
