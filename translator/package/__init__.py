"""Files that a product imports, made of query texts and the rule's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from translator.fidelity import Diagnostic
from translator.pack import Entry
from translator.package import contentctl, detection_rules, kibana
from translator.package.options import PackageOptions
from translator.package.splunk_app import APP, FOLDER, app_files, archive
from translator.pipeline import Conversion
from translator.targets.base import Options


@dataclass(slots=True)
class Packages:
    """``files`` by path in the output folder; ``alerts`` are what each product is told of a rule's alerts, by slug and product,
    ``kibana`` which kind of rule each became there."""

    files: dict[str, str | bytes] = field(default_factory=dict)
    alerts: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    kibana: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unsaid: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """What a product is not told of a rule, in words, by slug and target."""

    def told(self, entries: list[Entry]) -> list[Entry]:
        """The entries, with a word on what packages leave out of them."""
        return [replace(e, result=self._told(e.slug, e.result)) if isinstance(e.result, Conversion) else e for e in entries]

    def _told(self, slug: str, conversion: Conversion) -> Conversion:
        outputs = dict(conversion.outputs)
        for name, output in conversion.outputs.items():
            said = tuple(Diagnostic("setting-lost", text) for text in self.unsaid.get((slug, name), ()))
            outputs[name] = replace(output, diagnostics=(*output.diagnostics, *said)) if output.texts else output
        return replace(conversion, outputs=outputs)


def packaged(entries: list[Entry], convert: Options, options: PackageOptions) -> Packages:
    """What the packages of ``options`` hold of a converted pack."""
    conversions = [(e.slug, e.result) for e in entries if isinstance(e.result, Conversion)]
    found = Packages()
    splunk = [(slug, c) for slug, c in conversions if c.outputs.get("splunk") and c.outputs["splunk"].texts]
    if splunk and {"splunk-app", "contentctl"} & {*options.kinds}:
        left_out: set[str] = set()
        files, searches = app_files(splunk, options)
        if "splunk-app" in options.kinds:
            found.files |= {f"{FOLDER}/{path}": text for path, text in files.items()}
            found.files[f"splunk/{APP}.tar.gz"] = archive(files)
        if "contentctl" in options.kinds:
            made, left_out = contentctl.files(splunk, searches, options)
            found.files |= made
        for search in searches:
            found.alerts.setdefault(search.slug, {})["splunk"] = search.alert
            said = [f"this exclusion is not in the package: {' '.join(text.split())}" for text in search.unsaid]
            if search.slug in left_out:
                said.append("contentctl takes words of a text in the search for a lookup or a macro: its package is without the rule")
            if said:
                found.unsaid[search.slug, "splunk"] = tuple(said)
    elastic = kibana.rules(conversions, convert, options) if {"kibana", "detection-rules"} & {*options.kinds} else []
    if elastic and "detection-rules" in options.kinds:
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
