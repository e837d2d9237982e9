package api

import "kendro/domain/place"

// A TrainingRequest is the body of POST /v1/users/{name}/training.
type TrainingRequest struct {
	Tag         string `json:"tag" minLength:"1" maxLength:"64" doc:"One that the release in force declares"`
	On          string `json:"on,omitempty" doc:"Day of the training, such as 2026-11-22"`
	Where       string `json:"where,omitempty" maxLength:"128"`
	Certificate string `json:"certificate,omitempty" maxLength:"128" doc:"Number of the certificate"`
	Until       string `json:"until,omitempty" doc:"Last day on which it counts; absent: for good"`
	Withdrawn   bool   `json:"withdrawn,omitempty" doc:"It is taken back"`
}

// A TrainingNote is what was noted of somebody once.
type TrainingNote struct {
	Tag         string     `json:"tag"`
	Name        place.Name `json:"name"`
	On          *Date      `json:"on,omitempty"`
	Where       string     `json:"where,omitempty"`
	Certificate string     `json:"certificate,omitempty"`
	Until       *Date      `json:"until,omitempty"`
	Withdrawn   bool       `json:"withdrawn,omitempty"`
	By          string     `json:"by"`
	At          Time       `json:"at"`
}

// A TrainingGap is a training that services of a centre ask for and somebody there
// lacks.
type TrainingGap struct {
	place.Training
	Services []string `json:"services"`
}

// A TrainedPerson is an entrepreneur in the list of trainings.
type TrainedPerson struct {
	User   string         `json:"user"`
	Centre string         `json:"centre"`
	Noted  []TrainingNote `json:"noted"`
	Lacks  []TrainingGap  `json:"lacks"`

	FiledWithout uint64 `json:"filed_without,omitempty" doc:"Applications taken in without a training that their service asks for"`
}

// TrainingList is the answer to GET /v1/training.
type TrainingList struct {
	People []TrainedPerson `json:"people"`
	Next   string          `json:"next,omitempty"`
}
