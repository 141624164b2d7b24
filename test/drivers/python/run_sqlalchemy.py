"""SQLAlchemy over psycopg 3: core, ORM, streams and asyncio are left at their defaults."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Integer, LargeBinary, Numeric, Text, create_engine, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from harness import CLIENTS, DATABASE_URL, at_once, outcome, own_tags, run_stack

URL = DATABASE_URL.replace("postgres://", "postgresql+psycopg://", 1)
ENGINE = create_engine(URL, pool_size=CLIENTS)


class Base(DeclarativeBase):
    """Of all models."""


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2), server_default="1.50")


class Kinds(Base):
    __tablename__ = "kinds"

    id: Mapped[int] = mapped_column(primary_key=True)
    ints: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    texts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    json: Mapped[Any] = mapped_column(JSONB)
    exact: Mapped[Decimal] = mapped_column(Numeric(40, 10))
    moment: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    nothing: Mapped[str | None]


class SqlalchemySession:
    """A connection in autocommit, of an engine of its own."""

    def __init__(self) -> None:
        self._engine = create_engine(URL, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()

    def run(self, sql: str) -> list[Any]:
        result = self._connection.exec_driver_sql(sql)
        return [row[0] for row in result] if result.returns_rows else []

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


@contextmanager
def session() -> Iterator[Session]:
    with Session(ENGINE) as opened, opened.begin():
        yield opened


def migrations() -> Any:
    Base.metadata.create_all(ENGINE)
    with ENGINE.begin() as connection:
        connection.execute(text("alter table items add column extra text"))
    with ENGINE.connect() as connection:
        connection.execute(text("drop table items"))
        connection.rollback()
    with session() as opened:
        item = Item(name="apple")
        opened.add(item)
        opened.flush()
        return [item.id, item.name, str(item.price)]


def transactions() -> Any:
    def insert_in_savepoint(opened: Session) -> None:
        with opened.begin_nested():
            opened.execute(insert(Item).values(name="kept"))

    def insert_and_fail() -> None:
        with session() as opened:
            opened.execute(insert(Item).values(name="undone"))
            opened.execute(text("select 1 / 0"))

    with session() as opened:
        opened.add(Item(name="kept"))
        opened.flush()
        twin = outcome(lambda: insert_in_savepoint(opened), DBAPIError)
    undone = outcome(insert_and_fail, DBAPIError)
    with ENGINE.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        level = connection.scalar(text("show transaction_isolation"))
    with session() as opened:
        return [twin, undone, level, list(opened.scalars(select(Item.name).order_by(Item.id)))]


def statements() -> Any:
    def use(_client: int) -> int:
        with ENGINE.connect() as connection:
            found = [connection.execute(select(Item).where(Item.name == "apple")).all() for _ in range(20)]
            return sum(len(rows) for rows in found)

    return at_once(use)


def types() -> Any:
    with session() as opened:
        opened.add(
            Kinds(
                ints=[1, 2, 3],
                texts=["a", 'b"c'],
                json={"deep": [1, {"x": "ü"}]},
                exact=Decimal("12345678901234567890.0123456789"),
                moment=datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
                data=b"\x00\x01\xfe\xff",
                nothing=None,
            )
        )
    with ENGINE.connect() as connection:
        return repr(connection.execute(select(Kinds)).all())


def bulk() -> Any:
    with session() as opened:
        opened.execute(insert(Item), [{"name": f"bulk {number}"} for number in range(5_000)])
        opened.add_all([Item(name=f"added {number}") for number in range(500)])
    with ENGINE.connect() as connection:
        return repr(connection.execute(select(func.count(), func.sum(Item.id), func.max(Item.name))).all())


def streams() -> Any:
    with ENGINE.connect() as connection:
        rows = connection.execution_options(yield_per=300).execute(select(Item.id))
        return [len(page) for page in rows.partitions()]


def concurrency() -> Any:
    with ENGINE.begin() as connection:
        connection.execute(text("create table counter as select 0 as n"))

    def count_once(tag: str) -> str:
        with ENGINE.begin() as connection:
            connection.execute(text("update counter set n = n + 1"))
            return connection.scalar(text("select cast(:tag as text)"), {"tag": tag})

    tags = at_once(lambda client: own_tags(count_once, client))
    with ENGINE.connect() as connection:
        return [tags, connection.scalar(text("select n from counter"))]


run_stack([migrations, transactions, statements, types, bulk, streams, concurrency], SqlalchemySession, DBAPIError)
