"""A kit in the place of worlds that are made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from translator.catalog.site_files import FAMILY_OF
from translator.engine import EngineError
from translator.pipeline import Conversion
from translator.targets.base import Options, Output
from translator.verify.comparing import ROW, Answer
from translator.verify.kit import texts
from translator.verify.kit.manifests import Kit
from translator.verify.kit.saving import FILES, bulk_file, csv_file, row_name
from translator.verify.proof import Counterexample, Trial, counterexample
from translator.verify.reading import Row
from translator.verify.shaping import Shaped, Unshaped
from translator.verify.stage import Tried
from translator.verify.witness import Coverage, Unreached, Worlds
from translator.verify.witness.model import Atom


class Replay(Trial):
    """A rule with the worlds that were saved of it; what must alert is what was saved.

    Raises:
        BrokenKit: where the kit cannot be used.
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """

    def __init__(self, kit: Kit, conversion: Conversion, options: Options) -> None:
        super().__init__(conversion, options, kit.now, kit.data["seed"], worlds=Worlds((), ()))
        self.kit, self.real = kit, kit.data.get("real", False)
        self.unreached = tuple(Unreached(None, why) for why in kit.data.get("unreached", ()))
        told = kit.data.get("conditions", ())
        self._saved: dict[str, tuple[list[Tried], Shaped]] = {}
        self._coverage = Coverage(tuple(Atom(tuple(a["span"]) if a["span"] else None, a["text"], a["true"], a["false"]) for a in told))

    def ready(self, target: str, output: Output) -> tuple[list[Tried], Shaped]:
        """The worlds that were saved for the product of a target, but for those that ask for what the lists of an output leave out.

        Raises:
            EngineError: where none were, for the reason that there was.
            BrokenKit: where the files do not have what the manifest says.
        """
        family = FAMILY_OF[target]
        products = self.kit.data["products"]
        product = next((p for p, told in products.items() if target in told["targets"]), family)
        if product not in self._saved:
            if product not in products:
                raise self.kit.broken(f"nothing was saved for {family}")
            if "refused" in products[product]:
                raise EngineError(products[product]["refused"])
            try:
                self._saved[product] = self.worlds_of(product, family), self.shape(product, family)
            except (ValueError, KeyError, TypeError, StopIteration) as error:
                raise self.kit.broken(f"what is saved for {product} cannot be read: {error}") from error
        tried, shape = self._saved[product]
        return [t for t in tried if self.filled_lists(output, t) is not None], shape

    def worlds_of(self, product: str, family: str) -> list[Tried]:
        """The worlds, each with its rows and its events, and with what the KQL finds where that is still as many rows as must alert."""
        facts = {world["world"]: world for world in self.kit.data["worlds"]}
        rows: dict[int, dict[str, list[Row]]] = {number: {} for number in facts}
        for table, columns in self.kit.data["columns"].items():
            for number, row in texts.rows_of(self.kit.files[csv_file(table)], columns):
                held = rows[number].setdefault(table, [])
                held.append({**row, ROW: row_name(table, len(held))})
        told = self.kit.data["products"][product]
        events = self.events(product, family)
        marked = [
            tuple({**event, ROW: name} if name is not None else event for event, name in zip(events.get(n, ()), names, strict=True))
            for n, names in zip(told["worlds"], told["rows"], strict=True)
        ]
        answers = self.answers([rows[n] for n in told["worlds"]])
        return [
            Tried(
                f"world {n}: {facts[n]['about']}", {t: tuple(r) for t, r in rows[n].items()}, seen, facts[n]["alerts"],
                answer if answer is not None and self.alerts(answer) == facts[n]["alerts"] else None,
            )
            for n, seen, answer in zip(told["worlds"], marked, answers, strict=True)
        ]  # fmt: skip

    def answers(self, worlds: Sequence[Mapping[str, Sequence[Row]]]) -> list[Answer | None]:
        """What the KQL finds in each world; None where it cannot be run."""
        try:
            return [None if found is None else found[1] for found in self.found(worlds)]
        except EngineError:
            return [None for _ in worlds]

    def events(self, product: str, family: str) -> dict[int, list[Row]]:
        """The events by the number of their world."""
        if family == "elastic":
            numbers = self.kit.data["products"][product]["worlds"]
            return {n: texts.lines(self.kit.files[bulk_file(product, n)])[1::2] for n in numbers}
        found: dict[int, list[Row]] = {}
        for one in texts.lines(self.kit.files[f"{product}/{FILES[family]}"]):
            found.setdefault(one[texts.WORLD], []).append(one["event"])
        return found

    def shape(self, product: str, family: str) -> Shaped:
        """What is known of the events beside themselves."""
        told = self.kit.data["products"][product]
        missing = tuple(Unshaped(*facts) for facts in told["missing"])
        return Shaped(family, {}, missing, told["types"], told["lists"])

    def smallest(
        self, target: str, output: Output, tried: Tried, shape: Shaped, assumed: Mapping[str, object] = MappingProxyType({})
    ) -> Counterexample:  # fmt: skip
        """The world as it was saved."""
        way, *_ = self.ways(target, output)
        return counterexample(tried, self.difference(target, output, tried, shape, way)[0])
