// Package campaign is the domain of Muster: what a security campaign is, how it
// moves, and what must be true of it. It decides; everything else is a way in
// or a way out.
package campaign
