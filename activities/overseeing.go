package activities

import (
	"context"
	"time"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// IssuerRecords is what overseeing the lists needs of the record.
type IssuerRecords interface {
	// IssuerStandings returns every issuing CA with its current list.
	IssuerStandings(ctx context.Context) ([]order.IssuerStanding, error)
}

// Overseeing knows from the record which lists are owed, wherever the keys are.
type Overseeing struct {
	Records IssuerRecords
	Policy  policy.Book
	Clock   func() time.Time
}

// dueWithin is how long before its time a list is due: until somebody looks again, so that none grows older than the policy has it.
const dueWithin = time.Hour

// DueInput says which lists are asked for.
type DueInput struct {
	All bool `json:"all,omitempty"` // of every issuing CA in service, due or not
}

// DueResult names the lists that are due.
type DueResult struct {
	Lists     []DueList `json:"lists,omitempty"`
	InService []DueList `json:"in_service,omitempty"` // all, due or not
}

// DueList is a list that is due, or will be.
type DueList struct {
	Issuer     string    `json:"issuer"`
	NextUpdate time.Time `json:"next_update,omitzero"` // of the current one; zero: there is none
	Late       bool      `json:"late,omitempty"`       // attempts have failed for long: people must look
}

// FindDueLists returns the issuing CAs in service whose list is about to be older than the policy's interval.
func (o *Overseeing) FindDueLists(ctx context.Context, in DueInput) (DueResult, error) {
	all, err := o.Records.IssuerStandings(ctx)
	if err != nil {
		return DueResult{}, err
	}
	var out DueResult
	now := o.Clock()
	rules := o.Policy.At(now)
	for _, s := range order.InService(all, now) {
		list := DueList{Issuer: s.CA.ID, NextUpdate: s.List.NextUpdate, Late: s.ListLeft(now) < rules.CRLWarnBefore}
		out.InService = append(out.InService, list)
		if in.All || now.Add(dueWithin).Sub(s.List.ThisUpdate) > rules.CRLEvery {
			out.Lists = append(out.Lists, list)
		}
	}
	return out, nil
}
