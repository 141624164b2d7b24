"""What every stack's program does: run its topics one after the other, and print what came of each as JSON.

Whether that is right is the runner's to say: it compares with PostgreSQL's own.
"""

import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

DATABASE_URL = os.environ["DATABASE_URL"]
CLIENTS = 20
ROUNDS = 10
DEADLINE_SECONDS = 15


class Session(Protocol):
    """One connection, for as long as it is open."""

    def run(self, sql: str) -> list[Any]:
        """Return the first column of the rows."""

    def close(self) -> None:
        """End the connection."""


def run_stack(topics: Iterable[Callable[[], Any]], open_session: Callable[[], Session], error: type[Exception]) -> None:
    """Run the topics, named as their functions are, and the scripts of plain SQL, and end the process."""
    for topic in topics:
        report(topic.__name__, topic)
    for script in json.loads(Path(os.environ["SCRIPTS"]).read_text()):
        report(script["topic"], lambda steps=script["steps"]: play(steps, open_session, error))
    # A topic that was given up may still hold a thread.
    os._exit(0)


def play(steps: list[tuple[str, str]], open_session: Callable[[], Session], error: type[Exception]) -> list[Any]:
    """Run the steps, each on its session, and return rows and SQLSTATEs."""
    sessions: dict[str, Session] = {}
    results: list[Any] = []
    try:
        for name, sql in steps:
            if name not in sessions:
                sessions[name] = open_session()
            results.append(outcome(lambda run=sessions[name].run, text=sql: run(text), error))
    finally:
        for session in sessions.values():
            session.close()
    return results


def outcome(work: Callable[[], Any], error: type[Exception]) -> Any:
    """Return what `work` returns, or the SQLSTATE that it fails with."""
    try:
        return work()
    except error as failure:
        return sqlstate_of(failure)


def sqlstate_of(failure: BaseException | None) -> str:
    """Return the SQLSTATE of a driver's error, or of the one that it wraps."""
    while failure is not None:
        for name in ("sqlstate", "pgcode"):
            code = getattr(failure, name, None)
            if isinstance(code, str):
                return code
        failure = failure.__cause__ or getattr(failure, "orig", None)
    return "no SQLSTATE"


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Run `work` for twenty clients at once and return the results in order."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(work, range(CLIENTS)))


def own_tags(count_once: Callable[[str], str], client: int) -> list[str]:
    """Return the different tags that a client got in ten transactions: only ever its own."""
    return sorted({count_once(f"tag {client}") for _ in range(ROUNDS)})


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds, looking again and again."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the condition never held")
        time.sleep(0.01)


def report(topic: str, work: Callable[[], Any]) -> None:
    """Print what came of a topic."""
    outcomes: list[Mapping[str, Any]] = []

    def run() -> None:
        try:
            outcomes.append({"result": work()})
        except Exception:
            outcomes.append({"failed": traceback.format_exc()})

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_SECONDS)
    came = outcomes[0] if outcomes else {"failed": f"not over after {DEADLINE_SECONDS} s"}
    print(json.dumps({"topic": topic, **came}, default=repr), flush=True)


def cancel_slow_query(run_slow: Callable[[], Any], cancel: Callable[[], Any], error: type[Exception]) -> str:
    """Cancel `run_slow` once PostgreSQL runs it, and return the SQLSTATE that it ended with."""
    import psycopg

    find = "select 1 from pg_stat_activity where query like %s and state = 'active'"
    with ThreadPoolExecutor(1) as threads, closing(psycopg.connect(DATABASE_URL, autocommit=True)) as watcher:
        slow = threads.submit(outcome, run_slow, error)
        until(lambda: watcher.execute(find, ["%the slow one */"]).fetchone() is not None)
        cancel()
        return slow.result()


SLOW_QUERY = "select pg_sleep(30) /* the slow one */"
