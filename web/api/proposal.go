package api

// ProposalsPath is where offices propose changes of the catalogue.
const ProposalsPath = "/v1/catalogue/proposals"

// A ProposalRequest is the body of POST /v1/catalogue/proposals: another value for one
// field of a service, as an overlay has them. Values are JSON in a text.
type ProposalRequest struct {
	Service string `json:"service" maxLength:"128"`
	Field   string `json:"field" maxLength:"128"`
	Was     string `json:"was" maxLength:"2048" doc:"What you saw, as JSON"`
	Value   string `json:"value" maxLength:"2048" doc:"What it should be, as JSON"`
	Reason  string `json:"reason" minLength:"1" maxLength:"1024"`
	Release int    `json:"release" minimum:"1" doc:"In which you saw it"`
}

// A Proposal is a change of one field that an office asked for, and what came of it.
type Proposal struct {
	ID        string `json:"id"`
	Service   string `json:"service"`
	Field     string `json:"field"`
	Was       string `json:"was"`
	Value     string `json:"value"`
	Reason    string `json:"reason"`
	Release   int    `json:"release"`
	By        string `json:"by"`
	Office    string `json:"office"`
	At        Time   `json:"at"`
	State     string `json:"state" enum:"merged,conflict,accepted,declined,replaced,in-force"`
	Words     string `json:"words,omitempty" doc:"Of who settled it"`
	SettledBy string `json:"settled_by,omitempty"`
	SettledAt *Time  `json:"settled_at,omitempty"`
	Since     int    `json:"since,omitempty" doc:"The release that put it in force"`
}

// A ProposedField is what the proposals that wait on one field come to.
type ProposedField struct {
	Service   string     `json:"service"`
	Field     string     `json:"field"`
	Has       string     `json:"has" doc:"What is in force; empty where the field is gone"`
	Conflict  string     `json:"conflict,omitempty" doc:"Why somebody has to choose; empty where they merge by themselves"`
	Value     string     `json:"value,omitempty" doc:"What they merge to, or what was chosen"`
	Proposals []Proposal `json:"proposals"`
}

// A ProposalList is the answer to GET /v1/catalogue/proposals: of one's own office, or of
// all for who publishes.
type ProposalList struct {
	Fields  []ProposedField `json:"fields" doc:"What waits, field by field"`
	Settled []Proposal      `json:"settled" doc:"The newest 200 of which something came, the newest first"`
}

// A ChoiceRequest is the body of POST /v1/catalogue/proposals/settle: what comes of all
// proposals that wait on one field.
type ChoiceRequest struct {
	Service string `json:"service" maxLength:"128"`
	Field   string `json:"field" maxLength:"128"`
	Accept  string `json:"accept,omitempty" maxLength:"64" doc:"ID of the proposal that counts; none: none of them"`
	Reason  string `json:"reason" minLength:"1" maxLength:"1024" doc:"For those who proposed"`
}
