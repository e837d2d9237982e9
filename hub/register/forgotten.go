package register

import "kendro/protocol"

// ForgottenAt returns up to which place of its inbox a box has said that it has carried out
// the orders; zero for one that has said nothing.
func (r Orders) ForgottenAt(slot string) (protocol.Head, error) {
	b, err := said[BoxForgot](r, forgotByBox, slot)
	return b.Inbox, err
}
