"""Django over psycopg 3, with server-side cursors and its own migrations."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

from harness import DATABASE_URL, at_once, outcome, own_tags, run_stack

ADDRESS = urlsplit(DATABASE_URL)
DATABASE = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": ADDRESS.hostname,
    "PORT": ADDRESS.port,
    "USER": unquote(ADDRESS.username or ""),
    "PASSWORD": unquote(ADDRESS.password or ""),
    "NAME": ADDRESS.path.removeprefix("/"),
}
settings.configure(
    DATABASES={"default": DATABASE},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
# Topics run in threads of their own; only asyncio code could be hurt.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, connection, models, transaction  # noqa: E402
from django.db.backends.postgresql.base import DatabaseWrapper  # noqa: E402


class Kinds(models.Model):
    ints = ArrayField(models.IntegerField())
    texts = ArrayField(models.TextField())
    json = models.JSONField()
    exact = models.DecimalField(max_digits=40, decimal_places=10)
    moment = models.DateTimeField()
    data = models.BinaryField()
    nothing = models.TextField(null=True)

    class Meta:
        app_label = "drivers"


class DjangoSession:
    """A connection as each of Django's threads has one."""

    def __init__(self) -> None:
        self._connection = DatabaseWrapper({**connection.settings_dict})
        self._connection.inc_thread_sharing()

    def run(self, sql: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [] if cursor.description is None else [row[0] for row in cursor]

    def close(self) -> None:
        self._connection.close()


def migrations() -> Any:
    call_command("migrate", verbosity=0)
    call_command("migrate", "auth", "0011", verbosity=0)
    call_command("migrate", "auth", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Kinds)
    return [sorted(connection.introspection.table_names()), Permission.objects.count()]


def transactions() -> Any:
    def insert_in_savepoint() -> None:
        with transaction.atomic():
            Group.objects.create(name="kept")

    def insert_and_fail() -> None:
        with transaction.atomic():
            Group.objects.create(name="undone")
            connection.cursor().execute("select 1 / 0")

    with transaction.atomic():
        Group.objects.create(name="kept")
        twin = outcome(insert_in_savepoint, DatabaseError)
    undone = outcome(insert_and_fail, DatabaseError)
    return [twin, undone, list(Group.objects.order_by("id").values_list("name", flat=True))]


def types() -> Any:
    Kinds.objects.create(
        ints=[1, 2, 3],
        texts=["a", 'b"c'],
        json={"deep": [1, {"x": "ü"}]},
        exact=Decimal("12345678901234567890.0123456789"),
        moment=datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
        data=b"\x00\x01\xfe\xff",
    )
    row = Kinds.objects.filter(ints__contains=[2], json__deep__0=1).values().get()
    return repr({**row, "data": bytes(row["data"])})


def bulk() -> Any:
    User.objects.bulk_create([User(username=f"user {number}") for number in range(5_000)], batch_size=1_000)
    User.objects.filter(username__endswith="7").update(is_staff=True)
    return [User.objects.count(), User.objects.filter(is_staff=True).count()]


def streams() -> Any:
    """A server-side cursor WITH HOLD, since this is outside of a transaction."""
    users = User.objects.order_by("id").iterator(chunk_size=500)
    names = [user.username for user in users]
    with transaction.atomic():
        inside = [user.username for user in User.objects.order_by("id").iterator(chunk_size=500)]
    return [len(names), names[-1], names == inside]


def concurrency() -> Any:
    group = Group.objects.create(name="counter")
    Group.objects.filter(id=group.id).update(name="0")

    def client(number: int) -> list[str]:
        def count_once(tag: str) -> str:
            with transaction.atomic():
                counter = Group.objects.select_for_update().get(id=group.id)
                counter.name = str(int(counter.name) + 1)
                counter.save()
                with connection.cursor() as cursor:
                    cursor.execute("select %s::text", [tag])
                    return cursor.fetchone()[0]

        try:
            return own_tags(count_once, number)
        finally:
            connection.close()

    tags = at_once(client)
    return [tags, Group.objects.get(id=group.id).name]


run_stack([migrations, transactions, types, bulk, streams, concurrency], DjangoSession, DatabaseError)
