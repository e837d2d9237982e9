package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/web/api"
)

func caseCorrectCmd() *cobra.Command {
	var in api.CorrectionRequest
	var form, applicant []string
	return followUp(call{
		"correct", "Put answers right that were taken down wrongly", `--set mouza=Narikelbaria --set copies:=3 --reason "misheard"`, "correction",
		func() (any, error) {
			var err error
			if in.Form, err = assignments(form); err != nil {
				return nil, err
			}
			in.Applicant, err = assignments(applicant)
			if err == nil && in.Form == nil && in.Applicant == nil {
				err = fault.New("kendro.case", fault.Invalid, "--set", "say which answer changes, such as --set mouza=Narikelbaria")
			}
			return in, err
		},
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.StringArrayVar(&form, "set", nil, "NAME=TEXT of an answer, or NAME:=JSON for a number, a yes or no, or a list; NAME:=null takes it away (may be repeated)")
		f.StringArrayVar(&applicant, "applicant", nil, "the same of the applicant, such as mobile=01712345678 (may be repeated)")
		f.StringVar(&in.Reason, "reason", "", "why; the officer reads it")
		require(cmd, "reason")
	})
}

// assignments reads NAME=TEXT and NAME:=JSON into one JSON object, nil for none.
func assignments(list []string) (json.RawMessage, error) {
	if len(list) == 0 {
		return nil, nil
	}
	all := map[string]any{}
	for _, a := range list {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" || name == ":" {
			return nil, fault.New("kendro.case", fault.Invalid, a, "want NAME=TEXT, or NAME:=JSON")
		}
		short, raw := strings.CutSuffix(name, ":")
		if !raw {
			all[name] = value
			continue
		}
		if !json.Valid([]byte(value)) {
			return nil, fault.New("kendro.case", fault.Invalid, a, "what stands behind := is no JSON: a text wants = alone")
		}
		all[short] = json.RawMessage(value)
	}
	return json.Marshal(all)
}
