package api

import (
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Service is one line of GET /v1/catalogue.
type Service struct {
	ID       string        `json:"id"`
	Version  int           `json:"version"`
	Hash     string        `json:"hash"`
	Name     place.Name    `json:"name"`
	Category dcat.Category `json:"category"`
	Channels []string      `json:"channels"`
	Fees     []dcat.Fee    `json:"fees"`
	Offline  string        `json:"offline" enum:"intake,online_only"`

	Training []place.Training `json:"training,omitempty" doc:"What whoever takes it in has to be trained in"`
}

// Catalogue is the answer to GET /v1/catalogue, unpaged. At a node it lists only
// what the centre's type may file.
type Catalogue struct {
	Release  int       `json:"release"`
	Hash     string    `json:"hash"`
	Services []Service `json:"services"`

	// Reasons for which an officer may reject, by code.
	Reasons []place.Reason `json:"reasons,omitempty"`
}

// ServiceVersions is the answer to GET /v1/catalogue/{service}: the version that
// new applications use, null once the service is withdrawn, and every version
// that is known, oldest first.
type ServiceVersions struct {
	Current  *dcat.Version   `json:"current"`
	Versions []*dcat.Version `json:"versions"`

	// District is what the district has otherwise than the national base, at a hub.
	District []dcat.Override `json:"district,omitempty"`
}

// CatalogueOf describes a catalogue. A nil keep lists every service.
func CatalogueOf(set *dcat.Set, keep func(*dcat.Version) bool) *Catalogue {
	out := &Catalogue{Services: []Service{}}
	if set == nil {
		return out
	}
	out.Release, out.Hash = set.Release.Number, set.Release.Hash.String()
	out.Reasons = set.Directory.Reasons
	for _, v := range set.Services() {
		if keep != nil && !keep(v) {
			continue
		}
		s := Service{
			ID: v.ID, Version: v.Number, Hash: v.Hash.String(), Name: v.Name, Category: v.Category,
			Channels: make([]string, 0, len(v.Channels)), Fees: append([]dcat.Fee{}, v.Fees...), Offline: string(v.Offline),
		}
		for _, c := range v.Channels {
			s.Channels = append(s.Channels, string(c))
		}
		for _, tag := range v.Training {
			s.Training = append(s.Training, place.Training{Tag: tag, Name: set.Directory.TrainingName(tag)})
		}
		out.Services = append(out.Services, s)
	}
	return out
}

// VersionsOf describes one service; false if nobody knows it.
func VersionsOf(set *dcat.Set, service string) (*ServiceVersions, bool) {
	if set == nil {
		return nil, false
	}
	out := &ServiceVersions{Versions: set.VersionsOf(service)}
	if v, ok := set.Current(service); ok {
		out.Current = v
	}
	return out, len(out.Versions) > 0
}

// PublishRequest is the body of POST /v1/catalogue: a signed release and what
// the hub may lack of it, each in its canonical encoding.
type PublishRequest struct {
	Versions  []Bytes `json:"versions" maxItems:"2000"`
	Directory Bytes   `json:"directory,omitempty"`
	Signed    Bytes   `json:"signed" doc:"The release with its signature (CBOR)"`
	Origin    Bytes   `json:"origin,omitempty" doc:"What a release over a national base was composed of"`

	Bounds Bytes `json:"bounds,omitempty" doc:"What the base lets a district change, where the hub lacks it"`

	Trial *TrialOrder `json:"trial,omitempty" doc:"Put it in force at one centre first"`
}

// A TrialOrder puts a release in force at one centre, and for all once it has gone well
// there.
type TrialOrder struct {
	Centre  string `json:"centre" maxLength:"64"`
	Seconds int64  `json:"seconds" minimum:"1" maximum:"2592000" doc:"How long it has to go well"`
	Errors  uint64 `json:"errors" minimum:"1" maximum:"10000" doc:"Attempts that one place of a service may refuse"`
}

// PublishAnswer names the release in force after a publish.
type PublishAnswer struct {
	Release int    `json:"release"`
	Hash    string `json:"hash"`
}

// A SyncPeer is a neighbour that gossip has told of.
type SyncPeer struct {
	Centre   string             `json:"centre"`
	LastSeen Time               `json:"last_seen"`
	Head     *protocol.Position `json:"head"`
	Linked   bool               `json:"linked"` // It says that it has a link to the hub.
	Copies   uint64             `json:"copies"` // How far it holds a sealed copy of this box's log, durably.
}

// SyncHeld is what a node keeps for its neighbours, sealed.
type SyncHeld struct {
	Logs  int   `json:"logs"`
	Bytes int64 `json:"bytes"`
}

// A SyncHub is the server that a node is connected to.
type SyncHub struct {
	District string `json:"district"`
	Server   string `json:"server"`
}

// A Blocker is something that keeps a node from working, and for how long.
type Blocker struct {
	Code    string `json:"code"`
	BN      string `json:"bn"`
	EN      string `json:"en"`
	Since   Time   `json:"since"`
	RetryAt *Time  `json:"retry_at"`
}

// SyncStatus is the answer to GET /v1/sync of a node. Logs are named as in
// receipts.
type SyncStatus struct {
	Heads        map[string]protocol.Position `json:"heads"`
	Acknowledged map[string]protocol.Position `json:"acknowledged"`
	Backlog      uint64                       `json:"backlog"`
	Peers        []SyncPeer                   `json:"peers"`
	Held         SyncHeld                     `json:"held"`
	Hub          *SyncHub                     `json:"hub"`
	LastContact  *Time                        `json:"last_contact"`
	Blockers     []Blocker                    `json:"blockers"`
}

// A RegisterMark says how far a server's register is. Equal index, equal hash on
// every server.
type RegisterMark struct {
	Index uint64 `json:"index"`
	Hash  string `json:"hash"`
}

// A Member is one server of a hub.
type Member struct {
	ID      string `json:"id"`
	Address string `json:"address"`
	HTTP    string `json:"http,omitempty"`
	Voter   bool   `json:"voter"`
	Leader  bool   `json:"leader"`
}

// HubStatus is the answer to GET /v1/status of a hub.
type HubStatus struct {
	District  string       `json:"district"`
	Server    string       `json:"server"`
	State     string       `json:"state" doc:"leader, follower, candidate or shutdown"`
	Leader    string       `json:"leader,omitempty"`
	Register  RegisterMark `json:"register"`
	Snapshot  uint64       `json:"snapshot" doc:"Raft index of the newest marker"`
	Installed int          `json:"installed" doc:"Snapshots installed from another server"`
	// InstalledAt is the index of the newest of them, 0 without any.
	InstalledAt uint64   `json:"installed_at"`
	Replaying   bool     `json:"replaying,omitempty" doc:"Since its start it has not yet applied all that its log held"`
	InFlight    int      `json:"in_flight" doc:"Entries proposed by this server and not yet applied"`
	Members     []Member `json:"members"`
	AsOf        Time     `json:"as_of"`

	Recount *Recount `json:"recount,omitempty" doc:"Last night's count of what the metric cells say, from the cases themselves"`

	ClockOff int `json:"clock_off_seconds,omitempty" doc:"Seconds that the time of the group's servers is ahead of this one's own clock, where they are more than ten minutes apart: set its clock right. Until then the time of the others counts"`

	Halted *Trial `json:"halted,omitempty" doc:"The newest release that was on trial, where it was halted and none was published since"`

	Blocked *BlockedBase `json:"blocked,omitempty" doc:"A national base of the catalogue that the district's overlay keeps out"`

	Sealing *SealingKey `json:"sealing,omitempty" doc:"The district's next sealing key, from when it is drawn until it is announced"`

	Connectors []ConnectorStatus `json:"connectors,omitempty" doc:"Other authorities' registers, as far as this server has called them; GET /v1/awaited has what waits"`

	Copied []CopiedBox `json:"copied,omitempty" doc:"Boxes of which a copy was seen, until their centre is enrolled again"`
}

// Recount is what came of counting again what the metric cells say.
type Recount struct {
	At     Time   `json:"at"`
	Cases  uint64 `json:"cases"`
	Differ uint64 `json:"differ" doc:"Places that the cells tell otherwise than the cases; anything but 0 is a defect: tell us"`
}

// CopiedBox is a box that runs twice: find the copy, switch it off, enrol the
// centre again.
type CopiedBox struct {
	Centre string `json:"centre"`
	Slot   string `json:"slot"`
	Since  Time   `json:"since"`
}

// MemberList is the answer to GET /v1/members.
type MemberList struct {
	Members []Member `json:"members"`
}

// BackupRequest is the body of POST /v1/backups.
type BackupRequest struct {
	Index uint64 `json:"index" minimum:"1" doc:"Newest entry of the register in the backup"`
	Until string `json:"until" doc:"Day until which it is kept, such as 2027-03-01"`
}

// Health is the answer to GET /healthz and, with its reasons, GET /readyz.
type Health struct {
	Status  string   `json:"status" enum:"ok,not_ready"`
	Reasons []string `json:"reasons,omitempty"`
}

// Ports is the file that --ports-file names.
type Ports struct {
	HTTP   string `json:"http"`
	QUIC   string `json:"quic"`
	Gossip string `json:"gossip,omitempty"`
}
