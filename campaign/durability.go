package campaign

import "context"

// Durability is what a store promises about what it has acknowledged.
type Durability struct {
	// Promise is a sentence or two for people.
	Promise string `json:"promise"`
	// Lossy says that what was acknowledged last may be missing after a crash of
	// the server or a change of its master.
	Lossy bool `json:"lossy,omitempty"`
	// Doubts is what is wrong or cannot be known, each with what to do.
	Doubts []string `json:"doubts,omitempty"`
}

// Durable is a Store that knows what it promises.
type Durable interface {
	// Durability asks the store what its settings promise now. An error says
	// that it could not be asked.
	Durability(ctx context.Context) (Durability, error)
}

// Run is a Store whose server may forget what it acknowledged last.
type Run interface {
	// Epoch names the run of the server; "" when nothing can be lost. It does
	// not wait. See Options.Epoch.
	Epoch() string
}
