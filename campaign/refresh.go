package campaign

import "strings"

// refresh brings something that shows numbers up to date: at most once per
// Coalesce and thing. The effect holds no text; it is rendered from the state
// of the moment in which it is carried out, so the newest state wins.
func (tx *transaction) refresh(kind EffectKind, subject string) error {
	e := Effect{ID: refreshID(tx.scope, kind, subject), Kind: kind, Subject: subject, Lane: Bulk}
	old, found, err := find[Effect](tx, KindEffect, e.ID)
	if err != nil {
		return err
	}
	if found {
		e.Attempts, e.Result = 0, old.Result
	}
	e.Status, e.CreatedAt = EffectPending, tx.now
	tx.index(IndexEntry{Name: indexOpenEffects, ID: e.ID})
	tx.due(DueEntry{ID: e.dueID(), Lane: Bulk, At: tx.now.Add(tx.engine.opts.Work.Coalesce)})
	return save(tx, KindEffect, e.ID, e)
}

// refreshLate repeats a refresh that was asked for before there was anything to
// show it in.
func (tx *transaction) refreshLate(kind EffectKind, subject string) error {
	if _, asked, err := find[Effect](tx, KindEffect, refreshID(tx.scope, kind, subject)); err != nil || !asked {
		return err
	}
	return tx.refresh(kind, subject)
}

func refreshID(scope Scope, kind EffectKind, subject string) string {
	return opaqueID(string(scope), "refresh", string(kind), subject)
}

// contactSubject names a contact's message as the subject of an effect.
func contactSubject(contact string) string { return "contact/" + contact }

// subjectParts splits a subject such as contact/T1/U2 into its sort and its ID.
func subjectParts(subject string) (sort, id string) {
	sort, id, _ = strings.Cut(subject, "/")
	return sort, id
}
