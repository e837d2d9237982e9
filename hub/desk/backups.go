package desk

import (
	"context"
	"net/http"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/web/api"
)

// backupRoutes lets an operator publish how far a backup goes that was put away.
func backupRoutes(s *Server) {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/backups", ID: "backed-up", Summary: "Tell the boxes that a backup was put away", Act: access.ManageMembers,
	}, func(ctx context.Context, in *backupInput) (*doneOutput, error) {
		until, err := time.Parse(time.DateOnly, in.Body.Until)
		if err != nil {
			return nil, fault.New("desk.backedUp", fault.Invalid, "until", "want a date such as 2027-03-01")
		}
		_, err = s.do(ctx, command(ctx, register.BackedUp, register.Backup{Index: in.Body.Index, Until: until.Unix()}))
		return &doneOutput{Body: api.Done{Done: true}}, err
	})
}

type backupInput struct {
	Body api.BackupRequest
}
