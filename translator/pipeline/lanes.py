"""A detection by the lanes that write detections: the target's own, and the way through Sigma; all its alternatives as one output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations, product

from translator.detection.model import Detection, NoDetection, Side, Threshold
from translator.detection.trigger import trigger_of, with_trigger
from translator.detection.windows import duration
from translator.fidelity import Diagnostic, Place, Verdict, verdict_of
from translator.pipeline.remarks import alerting_time, lookbacks, on_period
from translator.plan.simplify import TooLarge
from translator.rulepack.model import Rule
from translator.targets.base import VALUE, Deployment, Options, Output, Readiness, by_table, mixed
from translator.targets.homes import Placed, placed
from translator.targets.protocols import CountsRows, Target


def triggered(
    name: str,
    target: Target,
    rule: Rule,
    detection: Detection,
    timed: Detection | NoDetection | None,
    options: Options,
    counting: bool = True,
) -> Output:
    """What a target makes of a detection whose rows have to be as many as the rule asks for.

    Args:
        timed: the same with a window of its own for each of its parts; None where these do not differ, or the target states no times.
        counting: whether it may count the rows.
    """
    trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)
    rows = ("kept" if target.shows_rows else "counted") if counting and isinstance(target, CountsRows) else ""
    found = with_trigger(detection, trigger, rows)
    if isinstance(found, Detection) and not isinstance(target, CountsRows) and any(d.alerts_on_nothing for d in found.alternatives):
        found = NoDetection((Diagnostic("trigger-absence", "the query finds something where there are no events"),))
    if isinstance(found, NoDetection):
        return Output(name, (), (*detection.diagnostics, *found.diagnostics))
    output = merged([written(name, target, rule, part, options) for part in found.alternatives])
    if (alerting := max(map(alerting_time, found.alternatives))) < max(part.lookback for part in found.alternatives):
        output = replace(output, alerting=alerting)
    if len(windows := lookbacks(found)) > 1 and target.family != "sigma" and output.texts:
        lengths = f"windows of {', '.join(map(duration, windows))} become one of {duration(windows[-1])}"
        places = {part.place for part in found.alternatives}
        said = Diagnostic("window-widened", lengths, None, places.pop() if len(places) == 1 else Place.BOTH)
        output = replace(output, diagnostics=(*output.diagnostics, said))
    if isinstance(timed, Detection) and isinstance(own := with_trigger(timed, trigger, rows), Detection):
        other = merged([target.translate(rule, moved(target, rule, part, options), options) for part in own.alternatives])
        if other.verdict.rank < output.verdict.rank or other.verdict == output.verdict:
            back = max(part.lookback for part in own.alternatives)
            output = replace(other, lookback=back, alerting=max(map(alerting_time, own.alternatives)), timed=True)
            output = replace(output, diagnostics=(*output.diagnostics, *on_period(rule, own)))
    if target.tells_time and output.lookups:
        output = replace(output, histories=_histories(target, rule, found, output, options))
    if found.trigger is None or not output.texts or not isinstance(target, CountsRows):
        return output
    if len(output.texts) > 1:  # each counts its own rows
        return triggered(name, target, rule, detection, timed, options, counting=False)
    output = replace(output, diagnostics=tuple(d.below(found.trigger.place) for d in output.diagnostics))
    return target.with_rows(output, found.trigger, found.group_by)


def _histories(target: Target, rule: Rule, detection: Detection, output: Output, options: Options) -> dict[str, tuple[str, int]]:
    """The searches that find what the lists of an output hold of earlier events, each with how far it looks back."""
    written = {}
    for part in detection.alternatives:
        for h in part.histories:
            if h.name not in output.lookups:
                continue
            seen = Detection(
                "event_count", (Side(h.name, h.selectors),), (VALUE,), (False,), Threshold("event_count", ">", 0), h.back, None, (),
                lookback=h.back,
            )  # fmt: skip
            found = target.translate(rule, moved(target, rule, seen, options), options)
            if found.texts and found.verdict.rank <= Verdict.SAME_ALERTS.rank:
                written[h.name] = (found.text, h.back)
    return written


def written(name: str, target: Target, rule: Rule, detection: Detection, options: Options) -> Output:
    """A detection by the lane with the better verdict: the target's own, else, where that deviates or refuses, the way through Sigma.

    On a tie the native one: it is one search where Sigma takes a rule for each alternative and each group without a key.
    """
    if target.family == "splunk" and options.splunk_model == "cim":
        # A model that has no field for a column of the query finds nothing: the events are asked themselves.
        found = _written_once(name, target, rule, detection, options)
        if found.texts and found.readiness is not Readiness.NAMES:
            return found
        plain = _written_once(name, target, rule, detection, replace(options, splunk_model="none"))
        return found if found.texts and plain.readiness in (Readiness.NAMES, None) else plain
    return _written_once(name, target, rule, detection, options)


def _written_once(name: str, target: Target, rule: Rule, detection: Detection, options: Options) -> Output:
    """The same with one choice of homes."""
    place = moved(target, rule, detection, options)
    native = target.translate(rule, place, options)
    # What is said of the detection is said of any output, so that the other way cannot be better than that.
    if native.verdict.rank <= max(Verdict.SAME_ALERTS.rank, verdict_of(place.detection.diagnostics).rank):
        return native
    from translator.sigma.portable.lane import LANES, better_through_sigma

    if name not in LANES or detection.alerts_on_nothing:
        return native
    return better_through_sigma(native.verdict, name, rule, place, options) or native


def moved(target: Target, rule: Rule, detection: Detection, options: Options) -> Placed:
    """``detection`` where the target's product keeps the events of its tables."""
    return placed(detection, target.family, options, rule, target.computes, target.reads_json)


def merged(outputs: list[Output]) -> Output:
    """The outputs of all alternatives as one, and a word on those that the target cannot write."""
    first = outputs[0]
    diagnostics = tuple(dict.fromkeys(d for o in outputs for d in o.diagnostics))
    written = [o for o in outputs if o.texts]
    if len(outputs) == 1 or not written:
        return replace(first, diagnostics=diagnostics)
    if len(written) < len(outputs):
        diagnostics = tuple(
            Diagnostic("alternative-dropped", f"a part of the union is left out: {d.message}", d.span) if d.direction == Verdict.NONE else d
            for d in diagnostics
        )
        outputs = written
    diagnostics += tuple(_mixed(outputs))
    macros = {k: v for o in outputs for k, v in o.macros.items()}
    lookups = {k: v for o in outputs for k, v in o.lookups.items()}
    whole = replace(first, diagnostics=diagnostics, deployment=_together(outputs), macros=macros, lookups=lookups)
    if first.target == "sigma":
        return replace(whole, texts=("---\n".join(o.text for o in outputs),))
    return replace(whole, texts=tuple(t for o in outputs for t in o.texts))


def _mixed(outputs: list[Output]) -> Iterator[Diagnostic]:
    """A word on events of another alternative's table that one finds too, since the product has those of both in one place."""
    reads = [o.deployment.reads if o.deployment is not None else () for o in outputs]
    for own, other in permutations(reads, 2):
        for one, there in product(own, other):
            if one.table != there.table and one.home and (one.place, one.apart) == (there.place, there.apart):
                yield Diagnostic("events-more", mixed(one.table, one.home, there.table), None)


def _together(outputs: list[Output]) -> Deployment | None:
    """What the outputs of all alternatives need of the product."""
    found = [o.deployment for o in outputs if o.deployment is not None]
    if not found:
        return None
    return Deployment(
        tuple(dict.fromkeys(r for d in found for r in d.reads)),
        by_table(m for d in found for m in d.missing),
        tuple(dict.fromkeys(s for d in found for s in d.set_up)),
        by_table(p for d in found for p in d.places),
    )


def within_bounds(name: str, write: Callable[[], Output]) -> Output:
    """What ``write`` gives for a target; nothing where the fields of its product are computed from each other without measure."""
    try:
        return write()
    except TooLarge as error:
        return Output(name, (), (Diagnostic("too-large", str(error), error.span),))
