"""What is known of tables: their facts, their homes in each product, and what a home has for a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeAlias

FAMILIES = ("sigma", "splunk", "elastic")
"""Products by the names of their fields: EQL and ES|QL share Elastic's."""


Steps: TypeAlias = tuple[str, ...]
"""The way from one place inside of a dynamic value to another, through any element of an array."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A field of the product.

    Attributes:
        name: the field.
        type: the product's type; empty where it is not documented.
        values: the product's values by KQL's.
        complete: whether ``values`` are all that the column has.
        spellings: whether KQL values with one value of the product are the same thing, written in several ways.
        any_case: whether the product may have ``values`` in another case.
        others: whether all values that are not in ``values`` are the same in both, but for ``case`` and ``blanks``.
        blanks: what stands in the field for the blanks of a value.
        case: ``lower`` or ``upper`` where the product keeps the value in that case only.
        spelled: values that the column has in no other case.
        differs: why no condition can be translated, though the field tells a reader the same.
        form: the text that stands in the field for a value, as ``SHA256={value}``.
        prefixes: what values begin with, by what they begin with in KQL.
        longer: what the field may hold behind the value.
        deviates: where the field has other values than the column.
        setting: what has to be set for the field to have the column's values.
        within: what the field holds where the value is a part of that, set off by marks.
        either: what may stand in the field for some values.
        missing: a value of the column of whose events the product may have no field.
        hyphen: whether the field may have a hyphen where the column has no value.
        lowered: whether the column has in lower case what the field has as it is.
        array: whether the field may have several values.
        scale: how many of the field's units are one of the column's, where the column holds whole numbers; 0 for the same unit.
        parts: the field with the places inside of the column's JSON, where the field itself has the text that Java makes of a map:
            ``{name=value, other=[1, 2]}``.
        text: whether the record may have its JSON as a text, which no field is made of.
        source: the public page that says so.
    """

    name: str
    type: str = ""
    values: Mapping[str, str | int | bool] = field(default_factory=dict)
    complete: bool = False
    spellings: bool = False
    any_case: bool = False
    others: bool = False
    blanks: str = ""
    case: str = ""
    spelled: tuple[str, ...] = ()
    differs: str = ""
    form: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    longer: str = ""
    deviates: str = ""
    setting: str = ""
    within: str = ""
    either: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    hyphen: bool = False
    lowered: bool = False
    array: bool = False
    scale: int = 0
    parts: str = ""
    text: bool = False
    source: str = ""


Alone = OneOf["none", "without-extension", "any"]
"""Which last parts of a path are all of it: those of accounts without a domain are any. Of programs it is those that have no file, as
System, Registry and MemCompression, since Windows and Sysmon name each file by its full path.

Source: learn.microsoft.com/windows/security/threat-protection/auditing/event-4688 (New Process Name),
learn.microsoft.com/sysinternals/downloads/sysmon (events).
"""


def may_stand_alone(name: str, alone: Alone) -> bool:
    """Whether the last part of a path may be all of it."""
    return alone == "any" or (alone == "without-extension" and "." not in name)


@dataclass(frozen=True, slots=True)
class Computed:
    """A KQL expression over other columns of the table; ``deviates`` says where it may give another value than the column has.

    ``file_of`` is a column with a path instead, of which this one is the last part, the name of the file, and ``alone`` says which such
    parts may be all of it. ``apart``: two values are equal where the column's are, so that they group events alike. ``lowered``: the column
    has it in lower case. ``setting``: what has to be set for what it is computed of to be there.
    """

    expression: str = ""
    deviates: str = ""
    file_of: str = ""
    apart: bool = False
    alone: Alone = "without-extension"
    lowered: bool = False
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A column that the product has no counterpart of, and why; ``filled``: though the table has values of these events."""

    why: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class ByValue:
    """A column whose home depends on the value of another: the alternatives with their values, and what holds otherwise."""

    column: str
    of: tuple[tuple[tuple[str | int, ...], Counterpart], ...]
    otherwise: Counterpart


Counterpart: TypeAlias = Stored | Computed | Absent | ByValue
"""What a product has for a column. A column that a home does not name is unknown."""


@dataclass(frozen=True, slots=True)
class Home:
    """A place of a product that holds a table's events.

    Attributes:
        name: what ``--home`` calls it.
        brings: the add-on or integration that delivers the events.
        source: a public page with the names.
        place: what selects the events: search terms in Splunk, ``index`` and ``dataset`` in Elastic, the log source in Sigma.
        select: a further condition, in KQL over the product's fields.
        when: the values that a rule must ask of columns for this home to be taken.
        lacks: which events of the table are not there.
        more: which other events are there.
        optional: whether it is taken only where it is asked for.
        setting: what has to be set for it; such a home is also taken where it alone has what a rule reads.
        also: further values of what comes first in ``place``, whose events have the same fields.
        within: the home of the table that has these events as well.
        types: the types of fields that formulas read, where they are no plain texts.
        columns: what it has for each column that is known.
        open: whether any other column is a field of the same name.
        for_names: whether, needing a setting, it is taken only for names that no other home has.
    """

    name: str
    brings: str
    source: str
    place: Mapping[str, str]
    select: str = ""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacks: str = ""
    more: str = ""
    optional: bool = False
    setting: str = ""
    also: tuple[str, ...] = ()
    within: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Counterpart] = field(default_factory=dict)
    open: bool = False
    for_names: bool = False

    @property
    def in_xml(self) -> bool:
        """Whether fields hold the text of XML, in which ``&``, ``<`` and ``>`` stand as ``&amp;``, ``&lt;`` and ``&gt;``.

        Windows events are rendered as XML, and Splunk's add-on takes their values out of it by regular expressions.

        Source: splunk/security_content, detections/endpoint/windows_scheduled_tasks_for_compmgmtlauncher_or_eventvwr.yml and
        impacket_lateral_movement_commandline_parameters.yml, which search such events for the escaped text.
        """
        return "XmlWinEventLog" in (self.place.get("source", "").partition(":")[0], self.place.get("sourcetype"))

    @property
    def rewrites_json(self) -> bool:
        """Whether texts that are JSON were read and written anew, with blanks behind commas and colons, and no letter beyond ASCII.

        Source: Splunk Add-on for Microsoft Cloud Services, the collector of Azure KQL: ``json.loads`` of each value, ``json.dumps`` of
        the event.
        """
        return self.place.get("sourcetype") == "mscs:kql"

    @property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """What selects the events, with all values of each."""
        first = next((key for key in self.place if key != "index"), "index")
        return {key: (value, *(self.also if key == first else ())) for key, value in self.place.items()}

    @property
    def marks(self) -> Mapping[str, tuple[str, ...]]:
        """What each of the events has, whether or not they are selected by it: a source of Windows events is of one source type.

        Source: Splunk Add-on for Microsoft Windows, Source types: ``XmlWinEventLog`` with the sources ``XmlWinEventLog:<channel>``.
        """
        return {**self.places, **({"sourcetype": ("XmlWinEventLog",)} if self.in_xml else {})}

    def lies_in(self, other: Home) -> bool:
        """Whether what selects the events of another home selects all of these, or some of them where it is said by several values."""
        return all({*values} & {*self.marks.get(key, ())} for key, values in other.places.items() if key != "index")

    @property
    def keeps_names(self) -> bool:
        """Whether most of its fields are called as the columns, so that a column that is not listed is a field of its name too."""
        stored = [(column, x.name) for column, x in self.columns.items() if isinstance(x, Stored)]
        return 2 * sum(column.lower() == name.lower() for column, name in stored) >= len(stored)

    def has_field(self, name: str) -> bool:
        """Whether a column has a field of this name."""
        held = (x for c in self.columns.values() for x in ([c.otherwise, *(x for _, x in c.of)] if isinstance(c, ByValue) else [c]))
        return any(isinstance(x, Stored) and x.name == name for x in held)

    def apart(self, table: str) -> str:
        """What tells the events of a table from others in the place: a condition, or the table where it is a kind of events of any source.

        Source: the categories of SigmaHQ's taxonomy, sigmahq.io/docs/basics/log-sources.html.
        """
        return table if "category" in self.place else self.select

    def __str__(self) -> str:
        return " ".join(f"{key}={' or '.join(values)}" for key, values in self.places.items())


DATA_IN_XML = "EventData_Xml"
"""The field of Splunk's add-on with the data of a Windows event as XML, whose names stand in single quotes, and values as in Azure."""


FREE_TEXTS = frozenset(
    "CommandLine ParentCommandLine ProcessCommandLine ScriptBlockText ScriptBlock TaskContent TaskContentNew Payload ContextInfo "
    "HostApplication ServiceFileName ImagePath Details Query QueryResults AttributeValue Message".split()
)
"""Values of Windows events that may hold any text: commands, scripts, XML. Names of files, accounts and hosts hold no ``<`` and no ``>``.

Source: learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions; the pages of the events that have them.
"""


@dataclass(frozen=True, slots=True)
class Integration:
    """A package of Elastic's with the ``version`` that the catalog's fields are of, and its name for a data set.

    ``checked`` says whether elastic/detection-rules knows its fields, by which it refuses a query of others in KQL and EQL.
    """

    package: str
    version: str
    stream: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """The events of a table that have one of some values in a column: these have all of ``filled``, and no others have ``only``.

    In each of these an array in one of the columns ``single`` has one element, and the columns of ``has`` one of the values there.
    """

    column: str
    values: frozenset[str | int]
    filled: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    has: Mapping[str, frozenset[str | int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """What is known of a table. Its columns are sets of names, with the places inside of them by dots.

    Attributes:
        name: the table.
        source: the public page that documents it.
        addresses: columns that hold IP addresses.
        filled: columns that no row leaves empty.
        one_line: columns whose values have no line feed.
        numbers: texts that hold whole numbers in plain decimal digits, or words.
        plain: places that hold a plain value, no object and no array.
        complete: objects that have no members but those of which homes or ``plain`` tell.
        words: texts of letters and digits alone.
        texts: columns of a table without documented types that are texts.
        all_told: columns of whose values the homes have all.
        omitted: columns whose empty texts stand for fields that the records of the source lack.
        telling: columns whose values no event has that is in the same place and is none of the table.
        kinds: what holds of the events with certain values.
        alike: columns by the places of other columns that say the same in each row.
        homes: where its events are, by family of products, the default one first.
    """

    name: str
    source: str
    addresses: frozenset[str]
    filled: frozenset[str]
    one_line: frozenset[str]
    numbers: frozenset[str]
    plain: frozenset[str]
    complete: frozenset[str]
    words: frozenset[str]
    texts: frozenset[str]
    all_told: frozenset[str]
    omitted: frozenset[str]
    telling: frozenset[str]
    kinds: tuple[Kind, ...]
    alike: Mapping[str, str]
    homes: Mapping[str, tuple[Home, ...]]

    def columns(self, family: str) -> Mapping[str, Counterpart]:
        """What a family of products has for the columns: of the first home that has any of it."""
        found: dict[str, Counterpart] = {}
        for home in reversed(self.homes.get(family, ())):
            found.update({c: x for c, x in home.columns.items() if c not in found or not isinstance(x, Absent)})
        return found
