"""psycopg2."""

import io
import select
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from harness import DATABASE_URL, SLOW_QUERY, at_once, cancel_slow_query, outcome, own_tags, run_stack


def connect(autocommit: bool = False) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(DATABASE_URL)
    connection.autocommit = autocommit
    return connection


class Psycopg2Session:
    """A connection in autocommit."""

    def __init__(self) -> None:
        self._connection = connect(autocommit=True)

    def run(self, sql: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [] if cursor.description is None else [row[0] for row in cursor]

    def close(self) -> None:
        self._connection.close()


def query(connection: psycopg2.extensions.connection, sql: str, values: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [] if cursor.description is None else cursor.fetchall()


def migrations() -> Any:
    with closing(connect()) as connection:
        query(connection, "create table items (id serial primary key, name text not null unique)")
        query(connection, "alter table items add column price numeric(10, 2) default 1.50")
        connection.commit()
        query(connection, "drop table items")
        connection.rollback()
        rows = query(connection, "insert into items (name) values (%s) returning *", ["apple"])
        connection.commit()
        return rows


def transactions() -> Any:
    with closing(connect()) as connection:
        insert = "insert into items (name) values (%s)"
        with connection:
            query(connection, insert, ["kept"])
            query(connection, "savepoint before_twin")
            twin = outcome(lambda: query(connection, insert, ["kept"]), psycopg2.Error)
            query(connection, "rollback to savepoint before_twin")
        connection.set_session(isolation_level="SERIALIZABLE")
        query(connection, insert, ["undone"])
        level = query(connection, "show transaction_isolation")
        connection.rollback()
        return [twin, level, query(connection, "select name from items order by id")]


def types() -> Any:
    values = [
        [1, 2, 3], ["a", 'b"c', None], psycopg2.extras.Json({"deep": [1, {"x": "ü"}]}),
        Decimal("12345678901234567890.0123456789"), datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
        psycopg2.Binary(b"\x00\x01\xfe\xff"), None, True, 1.5,
    ]  # fmt: skip
    with closing(connect()) as connection:
        row = query(connection, "select %s, %s, %s::jsonb, %s, %s, %s::bytea, %s, %s, %s", values)[0]
        return repr([bytes(value) if isinstance(value, memoryview) else value for value in row])


def bulk() -> Any:
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table bulk (id int, word text)")
        cursor.copy_from(io.StringIO("".join(f"{n}\tword {n}\n" for n in range(20_000))), "bulk")
        pairs = [(number, "many") for number in range(1_000)]
        psycopg2.extras.execute_values(cursor, "insert into bulk values %s", pairs)
        out = io.StringIO()
        cursor.copy_expert("copy bulk to stdout", out)
        cursor.execute("select count(*), sum(id), max(word) from bulk")
        return [len(out.getvalue()), cursor.fetchall()]


def streams() -> Any:
    with closing(connect()) as connection, connection.cursor("pages") as cursor:
        cursor.execute("select n from generate_series(1, 1000) n")
        return [len(page) for page in iter(lambda: cursor.fetchmany(300), [])]


def cancellation() -> Any:
    with closing(connect(autocommit=True)) as connection:
        ended = cancel_slow_query(lambda: query(connection, SLOW_QUERY), connection.cancel, psycopg2.Error)
        return [ended, query(connection, "select 1")]


def listen() -> Any:
    with closing(connect(autocommit=True)) as listener, closing(connect(autocommit=True)) as speaker:
        query(listener, "listen news")
        for number in range(1, 4):
            query(speaker, "select pg_notify('news', %s)", [f"number {number}"])
        while len(listener.notifies) < 3:
            readable, _, _ = select.select([listener], [], [], 10)
            if not readable:
                raise TimeoutError("heard nothing")
            listener.poll()
        return [notice.payload for notice in listener.notifies]


def concurrency() -> Any:
    with closing(connect(autocommit=True)) as connection:
        query(connection, "create table counter as select 0 as n")

    def client(number: int) -> list[str]:
        with closing(connect()) as connection:

            def count_once(tag: str) -> str:
                with connection:
                    query(connection, "update counter set n = n + 1")
                    return query(connection, "select %s::text", [tag])[0][0]

            return own_tags(count_once, number)

    tags = at_once(client)
    with closing(connect()) as connection:
        return [tags, query(connection, "select n from counter")]


run_stack(
    [migrations, transactions, types, bulk, streams, cancellation, listen, concurrency],
    Psycopg2Session,
    psycopg2.Error,
)
