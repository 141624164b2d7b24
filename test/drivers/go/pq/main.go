// Command pq tries lib/pq through database/sql.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"

	"carpool/drivers/harness"
)

// address is without TLS, which lib/pq asks for by default and the servers here don't have.
var address = harness.DatabaseURL() + "?sslmode=disable"

type session struct {
	db         *sql.DB
	connection *sql.Conn
}

func openSession(ctx context.Context) (harness.Session, error) {
	db, err := sql.Open("postgres", address)
	if err != nil {
		return nil, err
	}
	connection, err := db.Conn(ctx)
	return session{db, connection}, err
}

func (s session) Run(ctx context.Context, text string) ([]*string, error) {
	return column(s.connection.QueryContext(ctx, text))
}

func (s session) Close() {
	_ = s.connection.Close()
	_ = s.db.Close()
}

func column(rows *sql.Rows, err error) ([]*string, error) {
	values := []*string{}
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value *string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

type stack struct{ db *sql.DB }

func main() {
	db, err := sql.Open("postgres", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	db.SetMaxOpenConns(20)
	s := stack{db}
	harness.Main([]harness.Topic{
		{Name: "migrations", Run: s.migrations},
		{Name: "transactions", Run: s.transactions},
		{Name: "statements", Run: s.statements},
		{Name: "types", Run: s.types},
		{Name: "bulk", Run: s.bulk},
		{Name: "cancellation", Run: s.cancellation},
		{Name: "listen", Run: s.listen},
		{Name: "concurrency", Run: s.concurrency},
	}, openSession)
}

// within runs work in a transaction that ends as work does.
func (s stack) within(ctx context.Context, options *sql.TxOptions, work func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (s stack) migrations(ctx context.Context) (any, error) {
	if _, err := s.db.ExecContext(ctx, `create table items (id serial primary key, name text not null unique);
		alter table items add column price numeric(10, 2) default 1.50`); err != nil {
		return nil, err
	}
	undone := s.within(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "drop table items"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "select 1 / 0")
		return err
	})
	rows, err := column(s.db.QueryContext(ctx, "insert into items (name) values ($1) returning items::text", "apple"))
	return []any{harness.SQLState(undone), rows}, err
}

func (s stack) transactions(ctx context.Context) (any, error) {
	const insert = "insert into items (name) values ($1)"
	var twin error
	err := s.within(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insert, "kept"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "savepoint before_twin"); err != nil {
			return err
		}
		_, twin = tx.ExecContext(ctx, insert, "kept")
		_, err := tx.ExecContext(ctx, "rollback to savepoint before_twin")
		return err
	})
	if err != nil {
		return nil, err
	}
	serializable := &sql.TxOptions{Isolation: sql.LevelSerializable}
	undone := s.within(ctx, serializable, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insert, "kept")
		return err
	})
	names, err := column(s.db.QueryContext(ctx, "select name from items order by id"))
	return []any{harness.SQLState(twin), harness.SQLState(undone), names}, err
}

// statements keeps prepared ones, which database/sql prepares on each of its connections.
func (s stack) statements(ctx context.Context) (any, error) {
	double, err := s.db.PrepareContext(ctx, "select $1::int * 2")
	if err != nil {
		return nil, err
	}
	defer func() { _ = double.Close() }()
	return harness.AtOnce(func(client int) (int, error) {
		total := 0
		for number := range 20 {
			var result int
			if err := double.QueryRowContext(ctx, number+client).Scan(&result); err != nil {
				return 0, err
			}
			total += result
		}
		return total, nil
	})
}

func (s stack) types(ctx context.Context) (any, error) {
	var ints []int64
	var texts []string
	var json, exact, id string
	var moment time.Time
	var bytes []byte
	var nothing sql.NullString
	var large int64
	var truth bool
	row := s.db.QueryRowContext(ctx, `select $1::int[], $2::text[], $3::jsonb, $4::numeric, $5::timestamptz,
		$6::bytea, $7::text, $8::int8, $9::uuid, $10::bool`,
		pq.Array([]int64{1, 2, 3}), pq.Array([]string{"a", `b"c`}), `{"deep": [1, {"x": "ü"}]}`,
		"12345678901234567890.0123456789", time.Date(2024, 2, 29, 12, 30, 15, 123456000, time.UTC),
		[]byte{0, 1, 254, 255}, nil, int64(9007199254740993), "8c5c8d3e-4f0a-4c6b-9e3f-0a1b2c3d4e5f", true)
	err := row.Scan(pq.Array(&ints), pq.Array(&texts), &json, &exact, &moment, &bytes, &nothing, &large, &id, &truth)
	return []any{ints, texts, json, exact, moment.UTC(), bytes, nothing, large, id, truth}, err
}

func (s stack) bulk(ctx context.Context) (any, error) {
	if _, err := s.db.ExecContext(ctx, "create table bulk (id int, word text)"); err != nil {
		return nil, err
	}
	err := s.within(ctx, nil, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, pq.CopyIn("bulk", "id", "word"))
		if err != nil {
			return err
		}
		for number := range 20_000 {
			if _, err := statement.ExecContext(ctx, number, fmt.Sprintf("word %d", number)); err != nil {
				return err
			}
		}
		if _, err := statement.ExecContext(ctx); err != nil {
			return err
		}
		return statement.Close()
	})
	if err != nil {
		return nil, err
	}
	return column(s.db.QueryContext(ctx, "select (count(*), sum(id), max(word))::text from bulk"))
}

// cancellation ends a query by its context, for which lib/pq sends a CancelRequest.
func (s stack) cancellation(ctx context.Context) (any, error) {
	slow, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := s.db.ExecContext(slow, harness.SlowQuery)
		ended <- err
	}()
	const find = "select count(*) from pg_stat_activity where query = $1 and state = 'active'"
	err := harness.Until(ctx, func() (bool, error) {
		var found int
		err := s.db.QueryRowContext(ctx, find, harness.SlowQuery).Scan(&found)
		return found > 0, err
	})
	cancel()
	if err != nil {
		return nil, err
	}
	failed := <-ended != nil
	err = harness.Until(ctx, func() (bool, error) {
		var found int
		err := s.db.QueryRowContext(ctx, find, harness.SlowQuery).Scan(&found)
		return found == 0, err
	})
	return []any{failed, "PostgreSQL has stopped it"}, err
}

func (s stack) listen(ctx context.Context) (any, error) {
	listener := pq.NewListener(address, 100*time.Millisecond, time.Second, nil)
	defer func() { _ = listener.Close() }()
	if err := listener.Listen("news"); err != nil {
		return nil, err
	}
	var heard []string
	for number := range 3 {
		if _, err := s.db.ExecContext(ctx, "select pg_notify('news', $1)", fmt.Sprintf("number %d", number)); err != nil {
			return nil, err
		}
		select {
		case notice := <-listener.Notify:
			heard = append(heard, notice.Extra)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return heard, nil
}

func (s stack) concurrency(ctx context.Context) (any, error) {
	if _, err := s.db.ExecContext(ctx, "create table counter as select 0 as n"); err != nil {
		return nil, err
	}
	tags, err := harness.OwnTags(func(tag string) (own string, err error) {
		err = s.within(ctx, nil, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "update counter set n = n + 1"); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, "select $1::text", tag).Scan(&own)
		})
		return own, err
	})
	if err != nil {
		return nil, err
	}
	rows, err := column(s.db.QueryContext(ctx, "select n::text from counter"))
	return []any{tags, rows}, err
}
