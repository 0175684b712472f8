package sample

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteDays writes the first so many days into a folder, one folder a day:
// inventory, truth.jsonl (the State of every layer), and on the days on which there
// are new ones catalog and advisories. Nobody works on anything unless Fix says so,
// or Unattended. It holds one scan in memory at a time.
func (c *Company) WriteDays(dir string, days int) error {
	for day := range days {
		folder := filepath.Join(dir, fmt.Sprintf("day-%02d", day))
		if err := c.writeDay(folder, day); err != nil {
			return err
		}
	}
	return nil
}

func (c *Company) writeDay(dir string, day int) error {
	if err := c.WriteInventory(filepath.Join(dir, "inventory"), c.RoundOn(day)); err != nil {
		return err
	}
	if day == 0 || c.opts.Trouble != nil && day == c.opts.Trouble.ReorganisedDay {
		if err := c.WriteCatalogOn(filepath.Join(dir, "catalog"), day); err != nil {
			return err
		}
	}
	if day == 0 || c.Advice(day) != c.Advice(day-1) {
		folder := filepath.Join(dir, "advisories")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make advisory folder: %w", err)
		}
		for n, raw := range Advisories(c.Advice(day)) {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.json", n+1)), raw, 0o644); err != nil {
				return fmt.Errorf("write advisory: %w", err)
			}
		}
	}
	return writeFile(filepath.Join(dir, "truth.jsonl"), func(w io.Writer) error {
		lines := json.NewEncoder(w)
		for state := range c.States(c.RoundOn(day)) {
			if err := lines.Encode(state); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unattended lets the teams update by themselves: each vulnerable layer on a day
// of its own within a week, to what the advisories ask for on that day. One in ten
// never is.
func (c *Company) Unattended() error {
	for i, s := range c.services {
		for n, layer := range s.layers() {
			version := s.installed(layer)
			chance := c.chance(saltPeople, i, n)
			if version == "" || s.near == nearHarmless || chance >= 0.9 {
				continue
			}
			day := 1 + int(chance/0.9*7)
			if err := c.FixLayer(c.ref(i), layer, FixedVersion(layer, version, c.Advice(day)), c.RoundOn(day).Add(-1), false); err != nil {
				return err
			}
		}
	}
	return nil
}
