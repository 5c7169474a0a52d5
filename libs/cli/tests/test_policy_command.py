"""`packhorse policy` against a real broker, and a service that goes by what is set."""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.run import Process
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Settings
from packhorse_cli import main, policy_topic
from packhorse_cli.testing import terminal
from packhorse_contracts.policies import PaymentPolicy
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from .policies import policy

SERVICE = "payment"
"""Whose policy these tests set; they share its topic."""

SOON = ("--yes", "--wait", "0")
Running = Callable[[], AbstractAsyncContextManager[Process]]


@pytest.fixture(autouse=True)
def kafka(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The system is a broker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACKHORSE_KAFKA", kafka_bootstrap)
    return kafka_bootstrap


@pytest.fixture
def rubbish() -> None:
    """A file that is no text."""
    Path("bytes.yaml").write_bytes(b"service: payment \xff")


@pytest.fixture
def running(kafka: str, fresh_database: str, tmp_path: Path) -> Running:
    """A service that has nothing but a policy."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Process]:
        migrations = tmp_path / "migrations"
        migrations.mkdir(exist_ok=True)
        routes = Routes(SERVICE, policies=Policies(SERVICE, PaymentPolicy()))
        given = {"kafka": kafka, "postgres": SecretStr(fresh_database), "pump_idle": 0.05}
        process = Process(Service(routes, migrations), Settings.model_validate(given))
        try:
            await process.start()
            yield process
        finally:
            await process.stop()

    return start


def file(text: str, name: str = "payment.yaml") -> str:
    """A policy file in the current folder."""
    Path(name).write_text(text)
    return name


async def packhorse(*arguments: str) -> Result:
    """What the command does and says behind a pipe."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(main.app, ["policy", *arguments]))


def document(told: Result) -> dict[str, Any]:
    """The one that it says; the log of a service that runs in this process goes to standard output as well."""
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("{")]
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


async def shown() -> dict[str, str]:
    """What is in force, by field."""
    lines = [line.split("\t") for line in (await packhorse("show", SERVICE)).stdout.splitlines()]
    assert all(len(line) == 8 for line in lines)
    return {line[1]: line[2] for line in lines}


async def version() -> int:
    """In force."""
    told = document(await packhorse("show", SERVICE, "--json"))
    return int(told["version"])


async def test_where_nothing_was_set_all_is_as_by_default() -> None:
    """Version 0; one line a field, for programs and for people."""
    found = await packhorse("show", "inventory")
    assert found.stdout.splitlines() == [
        "inventory\tlow_stock\t5\tdefault\t0\t\t\t",
        "inventory\tsafety_stock\t0\tdefault\t0\t\t\t",
        "inventory\texplain_within\tPT1H\tdefault\t0\t\t\t",
    ]
    every = [json.loads(line) for line in (await packhorse("show", "--json")).stdout.splitlines()]
    assert [one["service"] for one in every] == ["order", "payment", "inventory", "shipping", "notification"]
    nothing = await packhorse("history", "inventory")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "Nobody has set a policy of inventory" in nothing.stderr


async def test_what_is_set_is_in_force_and_says_by_whom_and_why() -> None:
    """With the next version, whole: what the file doesn't name is as by default again."""
    before = await version()
    name = file("service: payment\nask_again_cap: PT2H\nattempts: 9\n")
    done = await packhorse("set", name, "--why", "Christmas", "--by", "emma", *SOON)
    assert done.exit_code == 0, done.output
    assert "ask_again_cap\t" in done.stdout
    assert f"version {before + 1} of payment is on the topic since" in done.stderr
    assert "hasn't taken it yet" in done.stderr
    told = document(await packhorse("show", SERVICE, "--json"))
    assert (told["version"], told["by"], told["why"]) == (before + 1, "emma", "Christmas")
    assert told["set"] == {"ask_again_cap": "PT2H", "attempts": 9}
    assert (told["policy"]["ask_again_cap"], told["policy"]["ask_for"]) == ("PT2H", "PT5M")
    again = await packhorse("set", file("service: payment\nattempts: 7\n"), "--why", "over", *SOON)
    assert again.exit_code == 0
    assert (await shown())["ask_again_cap"] == "PT1H"
    assert document(await packhorse("show", SERVICE, "--json"))["by"] == getpass.getuser()


async def test_what_is_in_force_already_is_not_set_again() -> None:
    """No version is used up for it."""
    name = file("service: payment\nattempts: 4\n")
    await packhorse("set", name, "--why", "x", *SOON)
    before = await version()
    done = await packhorse("set", name, "--why", "x", *SOON)
    assert (done.exit_code, done.stdout, await version()) == (0, "", before)
    assert f"goes by this already: version {before}. Nothing was set." in done.stderr


async def test_a_difference_is_shown_before_anything_is_set() -> None:
    """`diff` and `set` show the same; exit code 1 where there is one."""
    await packhorse("set", file("service: payment\nask_again_cap: PT3H\n"), "--why", "x", *SOON)
    name = file("service: payment\nask_for: PT5H\n")
    found = await packhorse("diff", name)
    assert found.exit_code == 1
    assert found.stdout.splitlines() == ["ask_for\tPT5M\tPT5H\tPT5M", "ask_again_cap\tPT3H\tPT1H\tPT1H"]
    rows = [json.loads(line) for line in (await packhorse("diff", name, "--json")).stdout.splitlines()]
    assert rows[1] == {"field": "ask_again_cap", "before": "PT3H", "after": "PT1H", "default": "PT1H"}
    same = await packhorse("diff", file("service: payment\nask_again_cap: 10800\n", "same.yaml"))
    assert (same.exit_code, same.stdout) == (0, "")
    done = await packhorse("set", name, "--why", "x", *SOON, "--json")
    told = document(done)
    assert (told["changes"], told["taken"], told["version"]) == (rows, False, await version())


async def test_history_tells_every_version_and_what_changed() -> None:
    """The oldest first; what came to nothing as well."""
    await packhorse("set", file("service: payment\nask_again_cap: PT6H\n"), "--why", "six", "--by", "emma", *SOON)
    await packhorse("set", file("service: payment\nask_again_cap: PT7H\n"), "--why", "seven", "--by", "emma", *SOON)
    last = await version()
    await policy_topic.publish(os.environ["PACKHORSE_KAFKA"], policy(last, SERVICE, ask_again_cap="PT9H"))
    before, now, lost = [line.split("\t") for line in (await packhorse("history", SERVICE)).stdout.splitlines()][-3:]
    assert before[0:1] + before[2:4] + before[5:] == [str(last - 1), "emma", "was in force", "six"]
    assert [now[0], *now[2:]] == [str(last), "emma", "in force", "ask_again_cap: PT6H → PT7H", "seven"]
    assert lost[3] == "refused"
    assert lost[4].startswith("version_taken: ")
    rows = [json.loads(line) for line in (await packhorse("history", SERVICE, "--json")).stdout.splitlines()]
    assert rows[-2]["changes"] == [{"field": "ask_again_cap", "before": "PT6H", "after": "PT7H", "default": "PT1H"}]


async def test_two_who_set_at_the_same_time_are_told_whose_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one whose record comes first; the other one hears that nothing of his is in force."""
    publish = policy_topic.publish

    async def second(bootstrap: str, fact: object) -> object:
        await publish(bootstrap, policy(await_version + 1, SERVICE, ask_again_cap="PT11H"))
        return await publish(bootstrap, fact)  # type: ignore[arg-type]

    await_version = await version()
    monkeypatch.setattr(policy_topic, "publish", second)
    done = await packhorse("set", file("service: payment\nask_again_cap: PT12H\n"), "--why", "x", *SOON)
    assert done.exit_code == 1
    assert f"emma has set version {await_version + 1} of payment at the same time" in done.stderr
    assert (await shown())["ask_again_cap"] == "PT11H"


async def test_a_wrong_file_is_told_with_its_places_and_nothing_is_set() -> None:
    """By each command alike, with exit code 1; no system is needed for it."""
    before = await version()
    name = file("service: payment\nask_again_cpa: PT2H\nattempts: 0\n")
    for command in (("check", name), ("diff", name), ("set", name, "--why", "x", "--yes")):
        done = await packhorse(*command)
        assert (done.exit_code, done.stderr) == (1, "2 faults\n")
        assert done.stdout.splitlines() == [
            f"{name}\t2\t1\task_again_cpa\tthe policy of payment has no such field\task_again_cap, perhaps",
            f"{name}\t3\t11\tattempts\t0 is too little\ta whole number from 1 to 1,000,000, such as 3",
        ]
    rows = [json.loads(line) for line in (await packhorse("check", name, "--json")).stdout.splitlines()]
    assert [(row["line"], row["column"], row["field"]) for row in rows] == [
        (2, 1, "ask_again_cpa"),
        (3, 11, "attempts"),
    ]
    assert await version() == before


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("show", "paymnt"), 2, "did you mean payment?"),
        (("history", "paymnt"), 2, "did you mean payment?"),
        (("check", "nowhere.yaml"), 2, "nowhere.yaml can't be read: No such file"),
        (("check", "bytes.yaml"), 1, "bytes.yaml is no text in UTF-8"),
        (("check", "sound.yaml", "--service", "ordr"), 2, "did you mean order?"),
        (("set", "sound.yaml", "--yes"), 2, "say why"),
        (("set", "sound.yaml", "--yes", "--why", " "), 2, "say why"),
        (("set", "sound.yaml", "--why", "x"), 2, "add --yes"),
        (("set", "sound.yaml", "--why", "x", "--by", "x" * 400, "--yes"), 2, "--by: "),
    ],
)
@pytest.mark.usefixtures("rubbish")
async def test_wrong_usage_says_what_to_do(arguments: tuple[str, ...], code: int, hint: str) -> None:
    """Nothing is set."""
    file("service: payment\nask_again_cap: PT13H\n", "sound.yaml")
    before = await version()
    done = await packhorse(*arguments)
    assert done.exit_code == code
    assert hint in done.stderr
    assert await version() == before


async def test_a_running_service_takes_it_and_can_be_asked_before(running: Running) -> None:
    """Its own answer to a dry run changes nothing, and doesn't take the place of what is in force; then it is set, and
    the command ends when the service goes by it."""
    name = file("service: payment\nreauthorisations: 0\nask_again_cap: PT14H\n")
    async with running() as process:
        before = await version()
        asked = await packhorse("set", name, "--dry-run")
        assert asked.exit_code == 0, asked.output
        assert f"payment would take it as version {before + 1}. Nothing was set." in asked.stderr
        assert await version() == before
        done = await packhorse("set", name, "--why", "x", "--yes", "--wait", "30", "--json")
        assert done.exit_code == 0, done.output
        assert document(done)["taken"] is True
        assert "in force: payment has taken it" in done.stderr
        pool = process._pool
        assert pool is not None
        assert await pool.fetchval("SELECT max(version) FROM policy_version") == before + 1
        state = json.loads(await pool.fetchval("SELECT state::text FROM policy WHERE id = 'payment'"))
        assert json.loads(state["text"]) == {"ask_again_cap": "PT14H", "reauthorisations": 0}


async def test_a_service_that_knows_less_than_the_console_refuses_it(
    running: Running, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of an older release may: asked, it says so; where it is set nevertheless, its dead letter is named."""
    from packhorse_cli import policy_file

    monkeypatch.setattr(policy_file, "differing", lambda _: {"new_field": 1})
    name = file("service: payment\nask_again_cap: PT15H\n")
    async with running():
        asked = await packhorse("set", name, "--dry-run", "--json")
        assert asked.exit_code == 1
        assert document(asked)["refusal"]["code"] == "bad_policy"
        assert "payment would refuse it: policy.new_field" in asked.stderr
        done = await packhorse("set", name, "--why", "x", "--yes", "--wait", "30")
        assert done.exit_code == 1
        assert "payment refuses it: bad_policy: policy.new_field" in done.stderr
        place = await policy_topic.publish(kafka, policy(await version() + 1, SERVICE, another_field=1))
        assert await policy_topic.taken(kafka, SERVICE, place, 30)
        async with asyncio.timeout(30):
            while (reason := await policy_topic.refused(kafka, SERVICE, place)) is None:
                await asyncio.sleep(0.1)
        assert reason.startswith("policy.another_field: ")


async def test_a_service_that_is_not_there_does_not_answer() -> None:
    """Exit code 3: the file is sound, and who would have to say more is away."""
    name = file("service: payment\nask_again_cap: PT16H\n")
    asked = await packhorse("set", name, "--dry-run", "--wait", "0.5")
    assert asked.exit_code == 3
    assert "payment doesn't answer within 0.5 s: is it running?" in asked.stderr


async def at_a_terminal(*arguments: str, columns: int = 80) -> tuple[int, str]:
    """What it says to people."""
    command = [str(Path(sys.executable).with_name("packhorse")), "policy", *arguments]
    return await asyncio.to_thread(terminal, command, {**os.environ, "NO_COLOR": "1"}, columns)


async def test_people_see_it_in_80_columns() -> None:
    """One line a field, with its meaning; faults are wrapped."""
    await packhorse(
        "set", file("service: payment\nask_again_cap: PT17H\n"), "--why", "Christmas", "--by", "emma", *SOON
    )
    code, told = await at_a_terminal("show", SERVICE)
    assert code == 0
    first, heading, *fields = told.strip().splitlines()
    assert first.startswith(f"payment: version {await version()}, since ")
    assert first.endswith("by emma: Christmas")
    assert heading.split() == ["field", "value", "is", "default", "meaning"]
    assert len(fields) == 7
    assert fields[2].split()[:4] == ["ask_again_cap", "PT17H", "set", "PT1H"]
    assert max(map(len, told.splitlines())) <= 80
    wrong = file("service: payment\nask_again_cap: soon\n", "wrong.yaml")
    code, told = await at_a_terminal("check", wrong)
    assert code == 1
    assert told.startswith('wrong.yaml:2:16: ask_again_cap: "soon" is no length of time')
    assert max(map(len, told.splitlines())) <= 80
    code, told = await at_a_terminal("history", SERVICE)
    assert code == 0
    assert max(map(len, told.splitlines())) <= 80
