// Command pgx tries pgx with its pool, its cache of statements and its batches.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"carpool/drivers/harness"
)

type session struct{ connection *pgx.Conn }

func openSession(ctx context.Context) (harness.Session, error) {
	connection, err := pgx.Connect(ctx, harness.DatabaseURL())
	return session{connection}, err
}

func (s session) Run(ctx context.Context, sql string) ([]*string, error) {
	rows, err := s.connection.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[*string])
}

func (s session) Close() { _ = s.connection.Close(context.Background()) }

type stack struct{ pool *pgxpool.Pool }

func main() {
	config, err := pgxpool.ParseConfig(harness.DatabaseURL())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := stack{pool}
	harness.Main([]harness.Topic{
		{Name: "migrations", Run: s.migrations},
		{Name: "transactions", Run: s.transactions},
		{Name: "statements", Run: s.statements},
		{Name: "types", Run: s.types},
		{Name: "bulk", Run: s.bulk},
		{Name: "streams", Run: s.streams},
		{Name: "cancellation", Run: s.cancellation},
		{Name: "listen", Run: s.listen},
		{Name: "concurrency", Run: s.concurrency},
	}, openSession)
}

func (s stack) rows(ctx context.Context, sql string, values ...any) ([]map[string]any, error) {
	rows, err := s.pool.Query(ctx, sql, values...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToMap)
}

func (s stack) migrations(ctx context.Context) (any, error) {
	if _, err := s.pool.Exec(ctx, `create table items (id serial primary key, name text not null unique);
		alter table items add column price numeric(10, 2) default 1.50`); err != nil {
		return nil, err
	}
	undone, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := undone.Exec(ctx, "drop table items"); err != nil {
		return nil, err
	}
	if err := undone.Rollback(ctx); err != nil {
		return nil, err
	}
	return s.rows(ctx, "insert into items (name) values ($1) returning *", "apple")
}

func (s stack) transactions(ctx context.Context) (any, error) {
	const insert = "insert into items (name) values ($1)"
	var twin error
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, "kept"); err != nil {
			return err
		}
		twin = pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			_, err := inner.Exec(ctx, insert, "kept")
			return err
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	undone := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, "undone"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "select 1 / 0")
		return err
	})
	names, err := s.rows(ctx, "select name from items order by id")
	return []any{harness.SQLState(twin), harness.SQLState(undone), names}, err
}

// statements uses the statements that pgx prepares and keeps by itself, alone and in batches.
func (s stack) statements(ctx context.Context) (any, error) {
	return harness.AtOnce(func(client int) (any, error) {
		total := 0
		for number := range 20 {
			var double int
			err := s.pool.QueryRow(ctx, "select $1::int * 2, $2::text", number, fmt.Sprint(client)).Scan(&double, nil)
			if err != nil {
				return nil, err
			}
			total += double
		}
		batch := &pgx.Batch{}
		for number := range 30 {
			batch.Queue("select $1::int", number).QueryRow(func(row pgx.Row) error {
				var same int
				err := row.Scan(&same)
				total += same
				return err
			})
		}
		if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
			return nil, err
		}
		var never int
		failure := s.pool.QueryRow(ctx, "select 1 / $1::int", 0).Scan(&never)
		return []any{total, harness.SQLState(failure)}, nil
	})
}

func (s stack) types(ctx context.Context) (any, error) {
	return s.rows(ctx, `select $1::int[] as ints, $2::text[] as texts, $3::jsonb as json, $4::numeric as exact,
		$5::timestamptz at time zone 'UTC' as moment, $6::bytea as bytes, $7::text as nothing, $8::int8 as large,
		$9::uuid as id, $10::bool as truth, $11::float8 as real, '[1,5)'::int4range as range,
		interval '1 day 2 hours' as span, date '2024-02-29' as day`,
		[]int{1, 2, 3}, []string{"a", `b"c`}, map[string]any{"deep": []any{1, map[string]any{"x": "ü"}}},
		"12345678901234567890.0123456789", time.Date(2024, 2, 29, 12, 30, 15, 123456000, time.UTC),
		[]byte{0, 1, 254, 255}, nil, int64(9007199254740993), "8c5c8d3e-4f0a-4c6b-9e3f-0a1b2c3d4e5f", true, 1.5)
}

func (s stack) bulk(ctx context.Context) (any, error) {
	if _, err := s.pool.Exec(ctx, "create table bulk (id int, word text)"); err != nil {
		return nil, err
	}
	source := pgx.CopyFromSlice(20_000, func(number int) ([]any, error) {
		return []any{number, fmt.Sprintf("word %d", number)}, nil
	})
	copied, err := s.pool.CopyFrom(ctx, pgx.Identifier{"bulk"}, []string{"id", "word"}, source)
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, "select count(*), sum(id), max(word) from bulk")
	return []any{copied, rows}, err
}

func (s stack) streams(ctx context.Context) (any, error) {
	var pages []int
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "declare pages cursor for select n from generate_series(1, 1000) n"); err != nil {
			return err
		}
		for {
			tag, err := tx.Exec(ctx, "fetch 300 from pages")
			if err != nil || tag.RowsAffected() == 0 {
				return err
			}
			pages = append(pages, int(tag.RowsAffected()))
		}
	})
	return pages, err
}

// cancellation ends a query by its context, after which pgx closes the connection.
func (s stack) cancellation(ctx context.Context) (any, error) {
	slow, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := s.pool.Exec(slow, harness.SlowQuery)
		ended <- err
	}()
	const find = "select count(*) from pg_stat_activity where query = $1 and state = 'active'"
	count := func() (found int, err error) {
		err = s.pool.QueryRow(ctx, find, harness.SlowQuery).Scan(&found)
		return found, err
	}
	err := harness.Until(ctx, func() (bool, error) {
		found, err := count()
		return found > 0, err
	})
	cancel()
	if err != nil {
		return nil, err
	}
	failed := <-ended != nil
	err = harness.Until(ctx, func() (bool, error) {
		found, err := count()
		return found == 0, err
	})
	return []any{failed, "PostgreSQL has stopped it"}, err
}

func (s stack) listen(ctx context.Context) (any, error) {
	listener, err := pgx.Connect(ctx, harness.DatabaseURL())
	if err != nil {
		return nil, err
	}
	defer func() { _ = listener.Close(context.Background()) }()
	if _, err := listener.Exec(ctx, "listen news"); err != nil {
		return nil, err
	}
	var heard []string
	for number := range 3 {
		if _, err := s.pool.Exec(ctx, "select pg_notify('news', $1)", fmt.Sprintf("number %d", number)); err != nil {
			return nil, err
		}
		notice, err := listener.WaitForNotification(ctx)
		if err != nil {
			return nil, err
		}
		heard = append(heard, notice.Payload)
	}
	return heard, nil
}

func (s stack) concurrency(ctx context.Context) (any, error) {
	if _, err := s.pool.Exec(ctx, "create table counter as select 0 as n"); err != nil {
		return nil, err
	}
	tags, err := harness.OwnTags(func(tag string) (own string, err error) {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "update counter set n = n + 1"); err != nil {
				return err
			}
			return tx.QueryRow(ctx, "select $1::text", tag).Scan(&own)
		})
		return own, err
	})
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, "select n from counter")
	return []any{tags, rows}, err
}
