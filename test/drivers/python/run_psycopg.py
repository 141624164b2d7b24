"""psycopg 3."""

import uuid
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from harness import DATABASE_URL, SLOW_QUERY, at_once, cancel_slow_query, outcome, own_tags, run_stack


class PsycopgSession:
    """A connection in autocommit."""

    def __init__(self) -> None:
        self._connection = psycopg.connect(DATABASE_URL, autocommit=True)

    def run(self, sql: str) -> list[Any]:
        cursor = self._connection.execute(sql)
        return [] if cursor.description is None else [row[0] for row in cursor]

    def close(self) -> None:
        self._connection.close()


def migrations() -> Any:
    with psycopg.connect(DATABASE_URL) as connection:
        connection.execute("create table items (id serial primary key, name text not null unique)")
        connection.execute("alter table items add column price numeric(10, 2) default 1.50")
        connection.commit()
        connection.execute("drop table items")
        connection.rollback()
        return connection.execute("insert into items (name) values (%s) returning *", ["apple"]).fetchall()


def transactions() -> Any:
    with psycopg.connect(DATABASE_URL) as connection:
        with connection.transaction():
            connection.execute("insert into items (name) values ('kept')")
            twin = outcome(lambda: insert_in_savepoint(connection, "kept"), psycopg.Error)
        with connection.transaction(force_rollback=True):
            connection.execute("insert into items (name) values ('undone')")
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        level = connection.execute("show transaction_isolation").fetchone()
        return [twin, level, connection.execute("select name from items order by id").fetchall()]


def insert_in_savepoint(connection: psycopg.Connection, name: str) -> None:
    with connection.transaction():
        connection.execute("insert into items (name) values (%s)", [name])


def statements() -> Any:
    def use(client: int) -> Any:
        with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
            # From the fifth time on psycopg prepares a statement; this one at once.
            total = 0
            for number in range(20):
                row = connection.execute("select %s::int * 2, %s::text", [number, f"client {client}"], prepare=True)
                total += row.fetchone()[0]
                total += connection.execute("select %s::int", [number]).fetchone()[0]
            failure = outcome(lambda: connection.execute("select 1 / %s::int", [0], prepare=True), psycopg.Error)
            with connection.pipeline():
                cursors = [connection.execute("select %s::int", [number]) for number in range(30)]
            return [total, failure, [cursor.fetchone() for cursor in cursors]]

    return at_once(use)


def types() -> Any:
    values = [
        [1, 2, 3], ["a", 'b"c', None], Jsonb({"deep": [1, {"x": "ü"}]}), Decimal("12345678901234567890.0123456789"),
        datetime(2024, 2, 29, 12, 30, 15, 123456, UTC), b"\x00\x01\xfe\xff", None, 9007199254740993,
        uuid.UUID("8c5c8d3e-4f0a-4c6b-9e3f-0a1b2c3d4e5f"), True, 1.5, Range(1, 5), timedelta(days=1, hours=2),
        date(2024, 2, 29),
    ]  # fmt: skip
    select = "select " + ", ".join(["%s"] * len(values))
    with psycopg.connect(DATABASE_URL) as connection:
        text = connection.execute(select, values)
        binary = connection.cursor(binary=True).execute(select, values)
        return [repr(text.fetchall()), repr(binary.fetchall()), [column.type_code for column in text.description]]


def bulk() -> Any:
    with psycopg.connect(DATABASE_URL) as connection:
        connection.execute("create table bulk (id int, word text)")
        with connection.cursor() as cursor:
            with cursor.copy("copy bulk from stdin") as copy:
                for number in range(20_000):
                    copy.write_row((number, f"word {number}"))
            cursor.executemany("insert into bulk values (%s, %s)", [(number, "many") for number in range(1_000)])
            with cursor.copy("copy bulk to stdout") as copy:
                size = sum(len(chunk) for chunk in copy)
            return [size, cursor.execute("select count(*), sum(id), max(word) from bulk").fetchall()]


def streams() -> Any:
    with psycopg.connect(DATABASE_URL) as connection:
        with connection.cursor(name="pages") as cursor:
            cursor.execute("select n from generate_series(1, 1000) n")
            pages = [len(page) for page in iter(lambda: cursor.fetchmany(300), [])]
        rows = connection.cursor().stream("select n from generate_series(1, 5000) n")
        return [pages, sum(row[0] for row in rows)]


def cancellation() -> Any:
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        ended = cancel_slow_query(
            lambda: connection.execute(SLOW_QUERY), lambda: connection.cancel_safe(), psycopg.Error
        )
        return [ended, connection.execute("select 1").fetchone()]


def listen() -> Any:
    with psycopg.connect(DATABASE_URL, autocommit=True) as listener:
        listener.execute("listen news")
        with closing(psycopg.connect(DATABASE_URL, autocommit=True)) as speaker:
            for number in range(1, 4):
                speaker.execute("select pg_notify('news', %s)", [f"number {number}"])
        heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=3)]
        listener.execute("unlisten news")
        return heard


def concurrency() -> Any:
    with psycopg.connect(DATABASE_URL) as connection:
        connection.execute("create table counter as select 0 as n")

    def client(number: int) -> list[str]:
        with psycopg.connect(DATABASE_URL) as connection:

            def count_once(tag: str) -> str:
                with connection.transaction():
                    connection.execute("update counter set n = n + 1")
                    return connection.execute("select %s::text", [tag]).fetchone()[0]

            return own_tags(count_once, number)

    tags = at_once(client)
    with psycopg.connect(DATABASE_URL) as connection:
        return [tags, connection.execute("select n from counter").fetchall()]


run_stack(
    [migrations, transactions, statements, types, bulk, streams, cancellation, listen, concurrency],
    PsycopgSession,
    psycopg.Error,
)
