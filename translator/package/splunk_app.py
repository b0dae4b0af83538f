"""A Splunk app with a saved search for each rule.

Source: Splunk Admin Manual, savedsearches.conf, macros.conf, transforms.conf and app.conf.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from translator.detection.model import Detection, Trigger
from translator.detection.windows import duration
from translator.fidelity import Verdict
from translator.kql.errors import KqlSyntaxError
from translator.package import conf
from translator.package.enterprise_security import correlation, notable, risk
from translator.package.entities import entity_fields
from translator.package.options import PackageOptions, changed
from translator.package.prepared import Prepared
from translator.package.schedule import Schedule, numbered, schedule_of
from translator.pipeline import Conversion, convert
from translator.plan.binder.problems import BindError
from translator.rulepack.cron import DAY, cron
from translator.rulepack.model import Rule
from translator.targets.base import Output, Readiness
from translator.targets.splunk import row_condition

APP, FOLDER = "kql2sigma_detections", "splunk/app"
"""The id of the app, and where its files are in the output folder."""

RELATIONS = {">": "greater than", "<": "less than", "==": "equal to", "!=": "not equal to"}


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search: the name of its stanza, its settings, and the macro that a site narrows it by."""

    name: str
    settings: Mapping[str, str]
    filter: str
    filter_definition: str
    slug: str
    counted: str = ""
    """The end of the search that asks for a number of rows, which the condition of the alert stands for."""
    delay: int = 0
    """Seconds that it waits for late events; what comes later is not seen, where Sentinel waits five minutes."""
    unsaid: tuple[str, ...] = ()
    """Exclusions of the rule's author that the macro does not say."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The risk objects and threat objects of Enterprise Security, none where the search shows no entity."""
        found: list[dict[str, Any]] = json.loads(self.settings.get("action.risk.param._risk", "[]"))
        return found

    @property
    def alert(self) -> dict[str, Any]:
        """When it runs, what it looks at and how it alerts, as Splunk is told."""
        when = ("enableSched", "cron_schedule", "dispatch.earliest_time", "dispatch.latest_time", "relation", "quantity")
        how = ("alert.digest_mode", "alert.suppress.period", "alert.suppress.fields", "action.notable.param.rule_title")
        told = {key: self.settings[key] for key in (*when, *how) if key in self.settings}
        return {"search": self.name, "ingest_delay": self.delay, **told}


def app_files(
    conversions: list[tuple[str, Conversion]], options: PackageOptions, prepared: Mapping[str, Prepared] = MappingProxyType({})
) -> tuple[dict[str, str], list[Search]]:
    """The app's files by path below its folder, and its searches; ``prepared`` is what is known of rules already, by slug."""
    conversions = told_apart(conversions)
    kept = histories(conversions, options)
    found = searches(conversions, options, prepared, kept)
    files = {
        "default/savedsearches.conf": "".join(
            conf.stanza(name, settings) for name, settings in (*((s.name, s.settings) for s in found), *kept.items())
        ),
        "default/macros.conf": macros([c for _, c in conversions], found),
        "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n",
        **lookups([c.outputs["splunk"] for _, c in conversions]),
    }
    return {"default/app.conf": app_conf(version(files, options)), **files}, found


def version(files: Mapping[str, str], options: PackageOptions) -> str:
    """The version of the app: that of the app in the output folder, or the next where a file is not what it was."""
    known = re.search(r"^version = (\d+)\.(\d+)\.(\d+)$", options.previous(f"{FOLDER}/default/app.conf") or "", re.M)
    if known is None:
        return "1.0.0"
    major, minor, patch = map(int, known.groups())
    return f"{major}.{minor}.{patch + changed(options, FOLDER, files)}"


def app_conf(version: str) -> str:
    """The stanzas that Splunk Cloud asks an app for; lists that a site fills stay as they are when the app is updated."""
    return "".join(
        conf.stanza(name, settings)
        for name, settings in {
            "id": {"name": APP, "version": version},
            "package": {"id": APP, "check_for_updates": "0"},
            "install": {"is_configured": "0", "state": "enabled", "build": version.rpartition(".")[2] or "1"},
            "ui": {"is_visible": "0", "label": "kql2sigma detections"},
            "launcher": {"author": "kql2sigma", "description": "Detections translated from KQL by kql2sigma", "version": version},
            "shclustering": {"deployer_lookups_push_mode": "always_preserve"},
        }.items()
    )


def archive(files: Mapping[str, str]) -> bytes:
    """The app as Splunk installs it: a tar.gz of one folder, the same bytes for the same files."""
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=9, format=tarfile.USTAR_FORMAT) as tar:
        folders = sorted({f"{APP}/{p.rpartition('/')[0]}" for p in files if "/" in p})
        for folder in [APP, *folders]:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path, text in sorted(files.items()):
            data = text.encode()
            entry = tarfile.TarInfo(f"{APP}/{path}")
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    # The header of gzip holds the time of packing.
    return buffer.getvalue()[:4] + bytes(4) + buffer.getvalue()[8:]


def macros(conversions: list[Conversion], found: list[Search]) -> str:
    """The macros that select the events of each table, and one for each search that takes out what a site knows to be harmless.

    A site narrows either in one line of its own ``local/macros.conf``, which no update of the app touches.
    """
    terms = {name: text for c in conversions for name, text in c.outputs["splunk"].macros.items()}
    texts = [conf.stanza(name, {"definition": text}) for name, text in sorted(terms.items())]
    filters = {s.filter: s.filter_definition for s in found}
    return "".join([*texts, *(conf.stanza(name, {"definition": text}) for name, text in filters.items())])


LISTED = ("value", "note")
"""The columns of a list of values."""


def lookups(outputs: list[Output]) -> dict[str, str]:
    """A definition and a file with its header for every list that a search looks up; the site fills the file."""
    lists = {name: kind for output in outputs for name, kind in output.lookups.items()}
    tables = {name: columns for output in outputs for name, columns in output.tables.items()}
    stanzas = []
    for name, kind in sorted(lists.items()):
        settings = {"filename": f"{name}.csv", "max_matches": "1", "case_sensitive_match": "1" if kind == "exact" else "0"}
        stanzas.append(conf.stanza(name, {**settings, **({"match_type": "WILDCARD(value)"} if kind == "within" else {})}))
    stanzas += [conf.stanza(name, {"filename": f"{name}.csv"}) for name in sorted(tables)]
    headers = {**dict.fromkeys(lists, LISTED), **tables}
    files = {f"lookups/{name}.csv": f"{','.join(columns)}\n" for name, columns in sorted(headers.items())}
    return {"default/transforms.conf": "".join(stanzas), **files} if files else {}


def with_macros(text: str, known: Mapping[str, str]) -> str:
    """A search that calls macros for what selects the events of its tables."""
    for name, terms in sorted(known.items(), key=lambda item: -len(item[1])):
        text = text.replace(terms, f"`{name}`")
    return text


def searches(
    conversions: list[tuple[str, Conversion]], options: PackageOptions, prepared: Mapping[str, Prepared] = MappingProxyType({}),
    others: Iterable[str] = (),
) -> list[Search]:  # fmt: skip
    """The searches of all rules, one for each alternative, under names that Splunk tells apart, from ``others`` too."""
    parts = [(slug, c, text, part) for slug, c in conversions for text, part in numbered(c.outputs["splunk"])]
    names = conf.names(((c.rule.name + part, c.rule.id) for _, c, _, part in parts), others)
    macros_ = conf.macro_names(names)
    return [
        _search(slug, c, text, name, macro, options, prepared.get(slug, Prepared()))
        for (slug, c, text, _), name, macro in zip(parts, names, macros_, strict=True)
    ]


def told_apart(conversions: list[tuple[str, Conversion]]) -> list[tuple[str, Conversion]]:
    """The rules, each with lists of its own where two fill a list of one name with other events."""
    taken: dict[str, str] = {}
    found = []
    for slug, conversion in conversions:
        output, renamed = conversion.outputs["splunk"], dict[str, str]()
        for name, (text, _) in output.histories.items():
            own, number = name, 1
            while taken.setdefault(own, text) != text:
                number += 1
                own = f"{name}_{number}"
            renamed[name] = own
        if any(old != new for old, new in renamed.items()):
            output = replace(
                output,
                texts=tuple(_with_lists(text, renamed) for text in output.texts),
                lookups={renamed.get(k, k): v for k, v in output.lookups.items()},
                histories={renamed[k]: v for k, v in output.histories.items()},
            )
            conversion = replace(conversion, outputs={**conversion.outputs, "splunk": output})
        found.append((slug, conversion))
    return found


def _with_lists(text: str, renamed: Mapping[str, str]) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        for old, new in renamed.items():
            if line.startswith(f"| lookup {old} value as "):
                lines[number] = line.replace(old, new, 1)
    return "\n".join(lines)


def histories(conversions: list[tuple[str, Conversion]], options: PackageOptions) -> dict[str, dict[str, str]]:
    """The searches that fill the lists of what was seen before, as often as the rule runs that reads each, by name."""
    found: dict[str, dict[str, str]] = {}
    for _, conversion in conversions:
        output = conversion.outputs["splunk"]
        for name, (text, back) in output.histories.items():
            schedule = Schedule(conversion.rule.frequency or DAY, back, options.delay)
            kept = f"| eval note=event_count\n| fields value note\n| outputlookup override_if_empty=false {name}"
            found[f"History - {name}"] = {
                "search": f"{with_macros(text, output.macros)}\n{kept}",
                "description": f"Fills the list {name}, which '{conf.plain(conversion.rule.name)}' reads, with what was seen before.",
                **scheduling(schedule, options.enable and output.readiness != Readiness.NAMES),
                **(AT_ONCE if "now()" in text else {}),
            }
    return found


def _search(
    slug: str, conversion: Conversion, text: str, name: str, macro: str, options: PackageOptions, prepared: Prepared
) -> Search:  # fmt: skip
    rule, output = conversion.rule, conversion.outputs["splunk"]
    behind = conversion.behind(output)
    assert isinstance(behind, Detection)
    counted = row_condition(output.trigger) if output.trigger is not None else ""
    text = text.removesuffix(counted)
    asked = counted if output.trigger is not None and output.trigger.holds_for_none else ""
    schedule = schedule_of(rule, behind, output, 0 if "now()" in text else options.delay)
    rows = [] if asked else [output.columns[k] for k in conversion.keys(output) if k in output.columns]
    if rows and behind.bin is not None:
        rows.append("time_bucket" if behind.kind.startswith("temporal") else "_time")
    named = replace(output, columns={}) if asked else output
    entities = [] if asked else entity_fields(rule, output, conversion.keys(output))
    settings = {
        "search": f"{with_macros(text, output.macros)}\n| `{macro}`{asked}",
        "description": rule.description or rule.name,
        **scheduling(schedule, options.enable and rule.enabled and output.readiness == Readiness.READY),
        **(BY_ARRIVAL if rule.kind == "nrt" else {}),
        # What the search says of now() holds for the moment of the run, which then is not to be moved.
        **(AT_ONCE if "now()" in text and schedule.every else {}),
        **condition(output),
        **throttling(rule, rows or [e.field for e in entities], schedule),
        **correlation(rule, name, conversion.tables),
        **risk(rule, named, entities),
        **notable(rule, named, entities, conversion.tables),
    }
    definition, unsaid = prepared.narrowed or exclusions(conversion)
    return Search(name, settings, macro, definition, slug, counted, schedule.delay, unsaid)


AT_ONCE = {"schedule_window": "0", "allow_skew": "0"}
"""A run that is not moved, where a part of the search goes by its moment."""

BY_ARRIVAL = {
    "dispatch.earliest_time": "-1d@m",
    "dispatch.latest_time": "now",
    "dispatch.index_earliest": "-1m@m",
    "dispatch.index_latest": "@m",
}
"""What a search of each minute looks at: the events that were indexed in the minute before, however late they came within a day."""


def scheduling(schedule: Schedule, enabled: bool) -> dict[str, str]:
    """When a search runs and what it looks at: windows that meet, of whole minutes, and nothing that runs before somebody enables it."""
    back, delay = (-(-x // 60) * 60 for x in (schedule.back + schedule.delay, schedule.delay))
    settings = {
        "disabled": "0" if enabled else "1",
        "enableSched": "0" if schedule.every is None else "1",
        "is_visible": "1",
        "dispatch.earliest_time": f"-{duration(back)}@m",
        "dispatch.latest_time": f"-{duration(delay)}@m" if delay else "now" if schedule.every is None else "@m",
    }
    if schedule.every is not None:
        expression, every = cron(schedule.every)
        # A search of every minute has no time to wait in.
        window = {"schedule_window": "auto"} if every > 60 else {}
        settings |= {"cron_schedule": expression, **window, "allow_skew": "100%", "realtime_schedule": "0"}
    return settings


def condition(output: Output) -> dict[str, str]:
    """How many rows alert."""
    trigger = output.trigger if output.trigger is not None and not output.trigger.holds_for_none else Trigger(">", 0)
    operator, count = trigger.operator, trigger.count
    return {"counttype": "number of events", "relation": RELATIONS[operator], "quantity": str(count)}


def throttling(rule: Rule, fields: list[str], schedule: Schedule) -> dict[str, str]:
    """What keeps an alert from coming again: the rule's own rest, else, of runs that see the same events, the ``fields`` of its row."""
    settings = {"alert.track": "1", "alert.digest_mode": "0" if rule.grouping == "each" and not rule.suppression else "1"}
    if rule.suppression:
        return settings | {"alert.suppress": "1", "alert.suppress.period": duration(rule.suppression)}
    if schedule.every is not None and schedule.overlaps(cron(schedule.every)[1]) and fields:
        period = duration(schedule.alerting or schedule.back)
        settings |= {"alert.suppress": "1", "alert.suppress.fields": ",".join(fields), "alert.suppress.period": period}
    return settings


def exclusions(conversion: Conversion) -> tuple[str, tuple[str, ...]]:
    """What the filter macro of a rule does, and the exclusions of its author that it cannot say: of summaries, of several tables."""
    detection, rule = conversion.behind(conversion.outputs["splunk"]), conversion.rule
    assert isinstance(detection, Detection)
    if detection.kind != "event" or len(conversion.tables) != 1:
        return "search *", rule.exclusions
    commands, unsaid = list[str](), list[str]()
    for text in rule.exclusions:
        query = f"['{conversion.tables[0]}'] | where {text}"
        alone = replace(rule, query=query, trigger_operator="", trigger_threshold=None, entities=(), exclusions=())
        try:
            output = convert(alone, ("splunk",)).outputs["splunk"]
        except (KqlSyntaxError, BindError):
            unsaid.append(text)
            continue
        known = output.deployment is None or not output.deployment.missing
        base, *rest = output.text.split("\n| ") if len(output.texts) == 1 else [""]
        places = list(output.macros.values())
        place = places[0] if len(places) == 1 else " OR ".join(f"({p})" for p in places)
        # Which of the table's events there are, the rule's own search says.
        told = next((p for p in (f"({place})", place) if base.startswith(p)), None)
        if told is not None and output.verdict.rank <= Verdict.SAME_ALERTS.rank and known:
            terms = base.removeprefix(told).strip()
            commands += [*([f"search {terms}"] if terms else []), *(c for c in rest if c.startswith("where "))]
        else:
            unsaid.append(text)
    return " | ".join(commands) or "search *", tuple(unsaid)
