package desk

import (
	"kendro/hub"
	"kendro/web/api"
)

// StatusOf puts a server's status into the API's words.
func StatusOf(s hub.Status) api.HubStatus {
	out := api.HubStatus{
		District: s.District, Server: s.Server, State: s.State, Leader: s.Leader,
		Register: api.RegisterMark{Index: s.Index, Hash: s.Digest.String()},
		Snapshot: s.Snapshot, Installed: int(s.Installed), InstalledAt: s.InstalledAt, InFlight: s.InFlight, AsOf: api.TimeOf(s.AsOf), Replaying: s.Replaying, Members: []api.Member{}, ClockOff: int(s.ClockOff.Seconds()),
	}
	for _, m := range s.Members {
		out.Members = append(out.Members, api.Member(m))
	}
	if c := s.Recounted; c != nil {
		out.Recount = &api.Recount{At: api.TimeOf(c.At), Cases: c.Cases, Differ: c.Differ}
	}
	if s.Turning != nil {
		key := sealingKeyOf(s.Turning.Generation, s.Turning.Lacking)
		out.Sealing = &key
	}
	if s.Halted != nil {
		out.Halted = trialOf(s.Halted)
	}
	if s.Blocked != nil {
		out.Blocked = blockedOf(s.Blocked)
	}
	for i := range s.Connectors {
		out.Connectors = append(out.Connectors, connectorOf(&s.Connectors[i]))
	}
	for _, c := range s.Copied {
		out.Copied = append(out.Copied, api.CopiedBox{Centre: c.Centre, Slot: c.Slot, Since: api.TimeOf(c.Since)})
	}
	return out
}
