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
	Step string `json:"step" enum:"register,servers-log,servers-disk,documents,box"`
	Who  string `json:"who,omitempty" doc:"Server or centre"`
	Done bool   `json:"done"`
}

// ErasureList is the answer to GET /v1/erasures.
type ErasureList struct {
	Erasures []Erasure `json:"erasures"`
}
