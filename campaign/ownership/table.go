package ownership

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// maxTableBytes bounds a table of owners.
const maxTableBytes = 64 << 20

// readTable reads a CSV of services: the columns service and owner, and if there
// are any, exposure, environment, tier, assets (separated by spaces) and
// repository. A service that no other source knows is one all the same. A bad row
// is refused by itself.
func (m *merger) readTable(r io.Reader, file string) {
	limited := &io.LimitedReader{R: r, N: maxTableBytes + 1}
	in := bufio.NewReader(limited)
	if head, _ := in.Peek(3); string(head) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	rows := csv.NewReader(in)
	rows.TrimLeadingSpace = true
	header, err := rows.Read()
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	if _, ok := columns["service"]; !ok || err != nil {
		m.spoil(file, "line 1", "is no list of services: its first line must name the columns, service among them.")
		return
	}
	if _, ok := columns["purl"]; ok {
		m.spoil(file, "line 1", "is a list of what runs where, not of owners: it has a column purl. `muster import inventory` takes it.")
		return
	}
	for {
		row, err := rows.Read()
		var broken *csv.ParseError
		switch {
		case limited.N <= 0:
			m.spoil(file, "", fmt.Sprintf("is larger than %d MB. Split it.", maxTableBytes>>20))
			return
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &broken) && errors.Is(broken.Err, csv.ErrFieldCount):
			m.refuse(file, fmt.Sprintf("line %d", broken.Line), "has another number of fields than the first line. It was left out.")
		case err != nil:
			m.spoil(file, "", "is not valid CSV: "+err.Error()+". Repair it.")
			return
		case len(m.tabled) >= maxEntities:
			m.spoil(file, "", fmt.Sprintf("has more than %d services with the files before it.", maxEntities))
			return
		default:
			line, _ := rows.FieldPos(0)
			m.tabled = append(m.tabled, tableRow{file: file, position: fmt.Sprintf("line %d", line), columns: columns, fields: row})
		}
	}
}

// tableRow is a row whose service is looked up once all entities are known.
type tableRow struct {
	file, position string
	columns        map[string]int
	fields         []string
}

func (r tableRow) field(name string) string {
	i, ok := r.columns[name]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.fields[i])
}

// joinTable adds what the tables say. What a catalog entity says of exposure and
// the like stays.
func (m *merger) joinTable() {
	for _, row := range m.tabled {
		ref, err := m.tabledService(row)
		if err != nil {
			m.refuse(row.file, row.position, err.Error())
			continue
		}
		s := m.catalog.Services[ref]
		exposure, ok := campaign.ParseExposure(row.field("exposure"))
		if !ok {
			m.remarks = append(m.remarks, campaign.Refusal{
				File: row.file, Position: row.position, Notice: true,
				Problem: fmt.Sprintf("has the unknown exposure %.40q and counts as exposed; use exposed, internal or isolated.", row.field("exposure")),
			})
		}
		if s.Exposure == "" {
			s.Exposure = exposure
		}
		s.Environment = cmp.Or(s.Environment, row.field("environment"))
		s.Tier = cmp.Or(s.Tier, row.field("tier"))
		s.Repository = cmp.Or(s.Repository, row.field("repository"))
		if len(s.Assets) == 0 {
			s.Assets = strings.Fields(row.field("assets"))
		}
		m.catalog.Services[ref] = s
		m.claimByTable(ref, row)
	}
}

func (m *merger) claimByTable(ref string, row tableRow) {
	owner := row.field("owner")
	if owner == "" {
		return
	}
	known, ok := m.named(owner)
	if !ok {
		m.refuse(row.file, row.position, fmt.Sprintf("names the owner %.80q, who is not in the catalog. The owner was left out; write a group, a person or an e-mail address of it.", owner))
		return
	}
	m.claim(ref, SourceCSV, known, row.file)
}

// tabledService finds a service by reference or name, or makes it.
func (m *merger) tabledService(row tableRow) (string, error) {
	name := row.field("service")
	if name == "" {
		return "", problem("names no service. It was left out.")
	}
	ref, err := parseRef(name, "component", defaultNamespace)
	if err != nil {
		return "", problem(fmt.Sprintf("has the service %.80q, which is no name. It was left out; use letters, digits and any of _ . - between them.", name))
	}
	if _, ok := m.catalog.Services[ref]; ok {
		return ref, nil
	}
	if other, err := parseRef(name, "resource", defaultNamespace); err == nil {
		if _, ok := m.catalog.Services[other]; ok {
			return other, nil
		}
	}
	m.first[ref] = &entity{file: row.file, position: row.position, ref: ref}
	m.catalog.Services[ref] = campaign.Service{Ref: ref, Name: ref[strings.LastIndexByte(ref, '/')+1:]}
	return ref, nil
}
