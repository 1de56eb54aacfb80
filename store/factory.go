package store

import (
	"context"
	"crypto/subtle"

	"rackwright/fault"
)

// factoryContext binds the factory password to its model.
func factoryContext(model string) string { return "model/" + model + "/factory-password" }

// factory keeps the login that BMCs of a model leave the factory with, if the plan gives
// one. A plan that gives none leaves the one there is.
func (a *application) factory(ctx context.Context, model string) error {
	login, given := a.want.Factory[model]
	if !given || a.have.HasFactory(model, login.Username, login.Password) {
		return nil
	}
	_, err := exec(ctx, a.tx, `INSERT INTO factory_login (model, username, password_sealed) VALUES ($1, $2, $3)
		ON CONFLICT (model) DO UPDATE SET username = excluded.username, password_sealed = excluded.password_sealed`,
		model, login.Username, a.db.seal.Seal([]byte(login.Password), factoryContext(model)))
	return err
}

// factoryLogin is a row of that table.
type factoryLogin struct{ model, username, sealed string }

// factories returns a function that tells whether a factory login is the one kept.
func (db *DB) factories(ctx context.Context, q queryer) (func(model, username, password string) bool, error) {
	kept := map[string]factoryLogin{}
	_, err := collect(ctx, q, func(scan func(...any) error) (f factoryLogin, err error) {
		err = scan(&f.model, &f.username, &f.sealed)
		kept[f.model] = f
		return f, err
	}, `SELECT model, username, password_sealed FROM factory_login`)
	return func(model, username, password string) bool {
		f, known := kept[model]
		if !known || f.username != username {
			return false
		}
		old, err := db.seal.Open(f.sealed, factoryContext(model))
		return err == nil && subtle.ConstantTimeCompare(old, []byte(password)) == 1
	}, err
}

// factoryOf opens the factory login of a model, and returns how it is sealed; all empty
// when none is kept.
func (db *DB) factoryOf(ctx context.Context, q queryer, model string) (username, password, sealed string, err error) {
	rows, err := collect(ctx, q, func(scan func(...any) error) (f factoryLogin, err error) {
		err = scan(&f.username, &f.sealed)
		return f, err
	}, `SELECT username, password_sealed FROM factory_login WHERE model = $1`, model)
	if err != nil || len(rows) == 0 {
		return "", "", "", db.fault(err)
	}
	plain, err := db.seal.Open(rows[0].sealed, factoryContext(model))
	if err != nil {
		return "", "", "", fault.New(fault.KindOf(err), "the factory login of model %s: %w", model, err).WithHint("%s", fault.HintOf(err))
	}
	return rows[0].username, string(plain), rows[0].sealed, nil
}
