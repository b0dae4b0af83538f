"""Files that a product imports, made of query texts and the rule's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from translator.fidelity import Diagnostic
from translator.pack import Entry
from translator.package.options import PackageOptions
from translator.package.prepared import Prepared
from translator.package.splunk_app import APP, FOLDER, app_files, archive, exclusions
from translator.pipeline import Conversion
from translator.targets.base import Options
from translator.workers import internal_error


@dataclass(slots=True)
class Packages:
    """``files`` by path in the output folder; ``alerts`` are what each product is told of a rule's alerts, by slug and product,
    ``kibana`` which kind of rule each became there."""

    files: dict[str, str | bytes] = field(default_factory=dict)
    alerts: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    kibana: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unsaid: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """What a product is not told of a rule, in words, by slug and target."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why a rule is in no package, by slug."""

    def with_remarks(self, entries: list[Entry]) -> list[Entry]:
        """The entries, with a word on what packages leave out of them."""
        return [replace(e, result=self._with_remarks(e.slug, e.result)) if isinstance(e.result, Conversion) else e for e in entries]

    def _with_remarks(self, slug: str, conversion: Conversion) -> Conversion:
        outputs = dict(conversion.outputs)
        for name, output in conversion.outputs.items():
            lost = (f"no package has this rule: {self.failed[slug]}",) if slug in self.failed else ()
            said = tuple(Diagnostic("setting-lost", text) for text in (*self.unsaid.get((slug, name), ()), *lost))
            outputs[name] = replace(output, diagnostics=(*output.diagnostics, *said)) if output.texts else output
        return replace(conversion, outputs=outputs)


def prepared(conversion: Conversion, convert: Options, kinds: tuple[str, ...]) -> Prepared:
    """What packages need of a rule that takes work on its query."""
    splunk, elastic = ({"splunk-app", "contentctl"} & {*kinds}), ({"kibana", "detection-rules"} & {*kinds})
    searched = conversion.outputs.get("splunk")
    from translator.package import exceptions, kibana

    return Prepared(
        exclusions(conversion) if splunk and searched is not None and searched.texts else None,
        kibana.choose(conversion, convert) if elastic else None,
        exceptions.excepted(conversion) if elastic else (),
    )


def packaged(entries: list[Entry], convert: Options, options: PackageOptions) -> Packages:
    """What the packages of ``options`` hold of a converted pack. A rule that cannot be packaged is in none, and stops no other."""
    failed = {e.slug: e.unpackaged for e in entries if e.unpackaged}
    wanted = [e for e in entries if isinstance(e.result, Conversion) and not e.unpackaged]
    try:
        found = _packaged(wanted, convert, options)
    except Exception:
        whole = []
        for entry in wanted:
            try:
                _packaged([entry], convert, options)
                whole.append(entry)
            except Exception as error:
                failed[entry.slug] = internal_error(error)
        found = _packaged(whole, convert, options)
    found.failed = failed
    return found


def _packaged(entries: list[Entry], convert: Options, options: PackageOptions) -> Packages:
    conversions = [(e.slug, e.result) for e in entries if isinstance(e.result, Conversion)]
    known = {e.slug: e.prepared for e in entries if e.prepared is not None}
    found = Packages()
    splunk = [(slug, c) for slug, c in conversions if c.outputs.get("splunk") and c.outputs["splunk"].texts]
    if splunk and {"splunk-app", "contentctl"} & {*options.kinds}:
        left_out: set[str] = set()
        files, searches = app_files(splunk, options, known)
        if "splunk-app" in options.kinds:
            found.files |= {f"{FOLDER}/{path}": text for path, text in files.items()}
            found.files[f"splunk/{APP}.tar.gz"] = archive(files)
        if "contentctl" in options.kinds:
            from translator.package import contentctl

            made, left_out = contentctl.files(splunk, searches, options)
            found.files |= made
        for search in searches:
            found.alerts.setdefault(search.slug, {})["splunk"] = search.alert
            said = [f"this exclusion is not in the package: {' '.join(text.split())}" for text in search.unsaid]
            if search.slug in left_out:
                said.append("contentctl takes words of a text in the search for a lookup or a macro: its package is without the rule")
            if said:
                found.unsaid[search.slug, "splunk"] = tuple(said)
    from translator.package import kibana

    elastic = kibana.rules(conversions, convert, options, known) if {"kibana", "detection-rules"} & {*options.kinds} else []
    if elastic and "detection-rules" in options.kinds:
        from translator.package import detection_rules

        found.files |= detection_rules.files(elastic, options)
    if elastic and "kibana" in options.kinds:
        found.files |= {kibana.FILE: kibana.ndjson(elastic), **kibana.lookups(elastic, options)}
        for p in elastic:
            readiness = {} if p.chosen.readiness is None else {"readiness": p.chosen.readiness.value}
            kind: dict[str, Any] = {"kind": p.chosen.kind, "rule_id": p.rules[0]["rule_id"], "verdict": p.chosen.verdict.value, **readiness}
            if p.chosen.output is None:
                kind["diagnostics"] = [{"code": d.code, "direction": d.direction.value, "message": d.message} for d in p.chosen.diagnostics]
            found.kibana[p.slug] = kind
            found.alerts.setdefault(p.slug, {})["kibana"] = p.alert
            for target in {"eql", "esql"} if p.unsaid else ():
                found.unsaid[p.slug, target] = p.unsaid
    return found
