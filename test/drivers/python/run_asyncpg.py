"""asyncpg, with its pool and its own cache of statements."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from harness import CLIENTS, DATABASE_URL, ROUNDS, SLOW_QUERY, run_stack


class AsyncpgSession:
    """A connection with a loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self._connection = self._loop.run(asyncpg.connect(DATABASE_URL))

    def run(self, sql: str) -> list[Any]:
        return [row[0] for row in self._loop.run(self._connection.fetch(sql))]

    def close(self) -> None:
        self._loop.run(self._connection.close())
        self._loop.close()


def topic(work: Callable[[asyncpg.Pool], Coroutine[Any, Any, Any]]) -> Callable[[], Any]:
    """Make a topic of a coroutine that wants a pool."""

    async def with_pool() -> Any:
        async with asyncpg.create_pool(DATABASE_URL, min_size=1, max_size=CLIENTS) as pool:
            return await work(pool)

    def run() -> Any:
        return asyncio.run(with_pool())

    run.__name__ = work.__name__
    return run


async def sqlstate_of(work: Coroutine[Any, Any, Any]) -> str:
    try:
        await work
    except asyncpg.PostgresError as error:
        return error.sqlstate
    return "no error"


@topic
async def migrations(pool: asyncpg.Pool) -> Any:
    await pool.execute("""
        create table items (id serial primary key, name text not null unique);
        alter table items add column price numeric(10, 2) default 1.50
    """)
    async with pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        await connection.execute("drop table items")
        await undone.rollback()
    return repr(await pool.fetch("insert into items (name) values ($1) returning *", "apple"))


@topic
async def transactions(pool: asyncpg.Pool) -> Any:
    insert = "insert into items (name) values ($1)"

    async def insert_in_savepoint(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute(insert, "kept")

    async def insert_and_fail(connection: asyncpg.Connection) -> None:
        async with connection.transaction(isolation="serializable"):
            await connection.execute(insert, "undone")
            await connection.execute("select 1 / 0")

    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute(insert, "kept")
            twin = await sqlstate_of(insert_in_savepoint(connection))
        undone = await sqlstate_of(insert_and_fail(connection))
    return [twin, undone, repr(await pool.fetch("select name from items order by id"))]


@topic
async def statements(pool: asyncpg.Pool) -> Any:
    async def use(client: int) -> Any:
        async with pool.acquire() as connection:
            double = await connection.prepare("select $1::int * 2 as n, $2::text as word")
            total = 0
            for number in range(20):
                total += await double.fetchval(number, f"client {client}")
                total += await connection.fetchval("select $1::int", number)
            failure = await sqlstate_of(connection.fetchval("select 1 / $1::int", 0))
            return [total, failure, [attribute.type.name for attribute in double.get_attributes()]]

    return await asyncio.gather(*(use(client) for client in range(CLIENTS)))


@topic
async def types(pool: asyncpg.Pool) -> Any:
    row = await pool.fetchrow(
        """select $1::int[], $2::text[], $3::jsonb, $4::numeric, $5::timestamptz, $6::bytea, $7::text, $8::int8,
           $9::bool, $10::float8, $11::int4range, $12::interval, $13::date""",
        [1, 2, 3],
        ["a", 'b"c', None],
        json.dumps({"deep": [1, {"x": "ü"}]}),
        Decimal("12345678901234567890.0123456789"),
        datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
        b"\x00\x01\xfe\xff",
        None,
        9007199254740993,
        True,
        1.5,
        asyncpg.Range(1, 5),
        timedelta(days=1, hours=2),
        date(2024, 2, 29),
    )
    composite = await pool.fetchval("select array_agg(items) from items where name = 'apple'")
    return [repr(tuple(row)), repr([tuple(item) for item in composite])]


@topic
async def bulk(pool: asyncpg.Pool) -> Any:
    await pool.execute("create table bulk (id int, word text)")
    records = [(number, f"word {number}") for number in range(20_000)]
    tag = await pool.copy_records_to_table("bulk", records=records)
    await pool.executemany("insert into bulk values ($1, $2)", [(number, "many") for number in range(1_000)])
    return [tag, list(await pool.fetchrow("select count(*), sum(id), max(word) from bulk"))]


@topic
async def streams(pool: asyncpg.Pool) -> Any:
    async with pool.acquire() as connection, connection.transaction():
        total = 0
        async for row in connection.cursor("select n from generate_series(1, 5000) n", prefetch=300):
            total += row[0]
        cursor = await connection.cursor("select n from generate_series(1, 1000) n")
        await cursor.forward(10)
        return [total, [row[0] for row in await cursor.fetch(3)]]


@topic
async def cancellation(pool: asyncpg.Pool) -> Any:
    """asyncpg sends a CancelRequest when a query's task is cancelled or runs out of time."""
    async with pool.acquire() as connection:
        try:
            await connection.fetchval(SLOW_QUERY, timeout=0.3)
        except TimeoutError:
            left = "select count(*) from pg_stat_activity where query = $1 and state = 'active'"
            return ["timed out", await connection.fetchval(left, SLOW_QUERY)]
    return "not timed out"


@topic
async def listen(pool: asyncpg.Pool) -> Any:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as listener:

        def hear(_connection: Any, _process_id: int, _channel: str, payload: str) -> None:
            heard.put_nowait(payload)

        await listener.add_listener("news", hear)
        for number in range(1, 4):
            await pool.execute("select pg_notify('news', $1)", f"number {number}")
        payloads = [await asyncio.wait_for(heard.get(), 10) for _ in range(3)]
        await listener.remove_listener("news", hear)
        return payloads


@topic
async def concurrency(pool: asyncpg.Pool) -> Any:
    await pool.execute("create table counter as select 0 as n")

    async def client(number: int) -> list[str]:
        tags = set()
        for _ in range(ROUNDS):
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("update counter set n = n + 1")
                tags.add(await connection.fetchval("select $1::text", f"tag {number}"))
        return sorted(tags)

    tags = await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return [tags, await pool.fetchval("select n from counter")]


run_stack(
    [migrations, transactions, statements, types, bulk, streams, cancellation, listen, concurrency],
    AsyncpgSession,
    asyncpg.PostgresError,
)
