package api

import "kendro/protocol"

// An ErasureRequest is the body of POST /v1/erasures.
type ErasureRequest struct {
	Numbers []protocol.Number `json:"numbers" minItems:"1" maxItems:"16" doc:"One case, or those of one person"`
	Basis   string            `json:"basis" minLength:"1" maxLength:"256" doc:"The law; it stays, and the citizen reads it"`
	Reason  string            `json:"reason" minLength:"1" maxLength:"256" doc:"Why; it stays, so it names nobody"`
}

// An ErasureNote says that a case was erased by order, for whoever tracks it.
type ErasureNote struct {
	At    Time   `json:"at"`
	By    *Named `json:"by" doc:"The post that ordered it"`
	Basis string `json:"basis"`
}

// An Erasure is an order to erase a case, and how far that has come.
type Erasure struct {
	Number      protocol.Number   `json:"number"`
	With        []protocol.Number `json:"with" doc:"All cases of the order, this one included"`
	Basis       string            `json:"basis"`
	Reason      string            `json:"reason"`
	Stage       string            `json:"stage" doc:"Where the case had come to"`
	OrderedBy   string            `json:"ordered_by"`
	OrderedSeat string            `json:"ordered_seat"`
	OrderedAt   Time              `json:"ordered_at"`
	ConfirmedBy string            `json:"confirmed_by,omitempty"`
	Confirmed   string            `json:"confirmed_seat,omitempty"`
	ErasedAt    *Time             `json:"erased_at" doc:"When the register forgot it; null while it waits for a second person"`
	Index       uint64            `json:"index,omitempty" doc:"Entry of the register that did it"`
	Documents   int               `json:"documents" doc:"That went with it"`
	Steps       []ErasureStep     `json:"steps" doc:"What has been done, and what has not"`
}

// An ErasureStep is one thing that has to happen until nothing tells of the citizen.
type ErasureStep struct {
	Step string `json:"step" enum:"register,server,box,copies" doc:"register: at once. server: its register is written anew, Raft's log begins later, documents are gone. box: the box has said that nothing of it lies on its disk. copies: an operator has said that backups, exports, recovery shares and sticks of before are destroyed"`
	Who  string `json:"who,omitempty" doc:"Server, or centre and slot"`
	Done bool   `json:"done"`
	At   *Time  `json:"at,omitempty" doc:"When it was heard that it is done"`
	Due  *Time  `json:"due,omitempty" doc:"By when, by the schedule; a box has no date, it hears of it when it has a link"`
	Lost bool   `json:"lost,omitempty" doc:"The box was revoked: no word of it will come"`
}

// An ErasureSchedule says how long after an erasure its steps are done at the latest.
type ErasureSchedule struct {
	Servers int `json:"servers_hours" doc:"Disks of servers"`
	Copies  int `json:"copies_days" doc:"What operators keep elsewhere: backups, exports, recovery shares, sticks"`
}

// ErasureList is the answer to GET /v1/erasures.
type ErasureList struct {
	Schedule ErasureSchedule `json:"schedule"`
	Copies   *Time           `json:"copies_gone_before,omitempty" doc:"Operators have said that copies made before this time are destroyed"`
	Erasures []Erasure       `json:"erasures"`
}

// A CopiesGone is the body of POST /v1/erasures/copies.
type CopiesGone struct {
	Before string `json:"before" example:"2027-03-01" doc:"Copies that were made before this day are destroyed"`
}
