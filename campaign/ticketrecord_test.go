package campaign

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATicketIsReadAsItWasWritten(t *testing.T) {
	planned := PlanTicket{
		ID: "t1", Slice: "exposed", Name: "ledger", Owner: "group:default/payments", Team: "Payments", Contact: "T1/U1", ContactName: "Ann", Zone: "UTC",
		Targets: []string{"a", "b"}, Tasks: []string{"a.mitigate", "a.fix", "b.mitigate"}, Hash: "h1",
	}
	tests := map[string]Ticket{
		"as it was planned":    {ID: "t1", Owner: planned.Owner, Contact: "T1/U1", Name: "ledger", Tasks: planned.Tasks, Wave: "p1/exposed", Plan: "p1", TextHash: "h1", Planned: planned},
		"given to others":      {ID: "t1", Owner: "group:default/books", Contact: "T1/U2", Name: "ledger", Tasks: planned.Tasks, Wave: "p1/exposed", Plan: "p1", TextHash: "h1", Planned: planned},
		"with a further track": {ID: "t1", Owner: planned.Owner, Contact: "T1/U1", Name: "ledger", Tasks: append(planned.Tasks[:3:3], "b.hunt"), Wave: "p1/rest", Plan: "p1", TextHash: "h2", Planned: planned},
	}
	for name, ticket := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(ticket)
			require.NoError(t, err)
			var read Ticket
			require.NoError(t, json.Unmarshal(data, &read))
			require.Equal(t, ticket, read)
		})
	}
}
