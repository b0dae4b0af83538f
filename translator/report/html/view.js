"use strict";
// What the report and the page of `kql2sigma serve` show of one rule. `advice` is read when it is needed, and may grow; `linked` says whether
// the files that are named are beside the page.
function views({ targets, words, advice }, linked = true) {
  const worse = ["note", "exact", "same-alerts", "broader", "narrower", "differs", "none"];

  // What cannot be seen, or turns around what can, is written out.
  const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  const seen = (text) => String(text).replace(unseen, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

  // An element. Texts of rules become text nodes only; nothing is ever parsed as markup.
  function make(tag, given = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    for (const child of children.flat()) {
      if (child instanceof Node) element.append(child);
      else if (child !== null && child !== undefined && child !== "" && child !== false) element.append(seen(child));
    }
    return element;
  }

  const kind = (name) => `k-${name.replaceAll(" ", "-")}`;
  const sign = (name) =>
    make("span", { class: `sign ${kind(name)}` }, make("span", { "aria-hidden": "true" }, words[name][0]), ` ${words[name][1]}`);

  const terms = (pairs, name) => {
    const kept = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
    return kept.length ? make("dl", { class: name }, kept.map(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]).flat()) : "";
  };

  function length(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds && seconds % size === 0) return `${seconds / size} ${unit}`;
    }
    return `${seconds} s`;
  }

  // A side that fits the screen stays in sight beside one that is longer.
  const stay = (side) => side.classList.toggle("stays", side.offsetHeight + 16 < innerHeight);

  const value = (v) => (typeof v === "string" ? v : JSON.stringify(v));

  // --- one rule

  const numbered = (rule, output) => output.said.map((n, place) => ({ ...rule.said[n], number: place + 1 }));

  // The KQL with the deviations of one output at their places. Each begins with a button that leads to what is said of it.
  function kql(rule, output) {
    const block = make("pre", { class: "code-block", "aria-label": "KQL of the rule" });
    const said = output ? numbered(rule, output).filter((d) => d.span) : [];
    const edges = new Set([0, rule.kql.length]);
    for (const d of said) d.span.forEach((at) => edges.add(Math.min(at, rule.kql.length)));
    for (let at = rule.kql.indexOf("\n"); at >= 0; at = rule.kql.indexOf("\n", at + 1)) edges.add(at + 1);
    const points = [...edges].sort((a, b) => a - b);
    let line = 0;
    let row = make("span", { class: "row", "data-line": rule.lines[0] });
    block.append(row);
    points.forEach((start, n) => {
      const end = points[n + 1] ?? start;
      if (start && rule.kql[start - 1] === "\n") {
        line += 1;
        row = make("span", { class: "row", "data-line": rule.lines[line] });
        block.append(row);
      }
      for (const d of said.filter((d) => d.span[0] === start)) {
        const label = `${d.number}: ${words[d.direction][1]}, ${d.code}`;
        const lead = () => document.getElementById(`said-${d.number}`)?.focus();
        row.append(make("button", { type: "button", class: `ref ${kind(d.direction)}`, id: `place-${d.number}`, "aria-label": label, title: `${label}. ${d.message}`, onclick: lead }, d.number));
      }
      const text = rule.kql.slice(start, end).replace(/\n$/, "");
      const over = said.filter((d) => d.span[0] <= start && d.span[1] >= end && d.span[1] > start);
      if (!text) return;
      if (!over.length) return row.append(seen(text));
      const worst = over.reduce((a, b) => (worse.indexOf(b.direction) > worse.indexOf(a.direction) ? b : a));
      row.append(make("mark", { class: kind(worst.direction) }, text));
    });
    return block;
  }

  // `lead` goes to the place of a deviation; to what the KQL beside it has, unless it is said otherwise.
  const toPlace = (d) => document.getElementById(`place-${d.number}`)?.focus();
  function deviations(rule, output, chosen, target = "", lead = toPlace) {
    const said = numbered(rule, output);
    const title = make("h4", {}, `Deviations and notes${target && ` of ${targets[target]}`}`);
    if (!said.length) return [title, make("p", {}, "None.")];
    return [
      title,
      make(
        "ol",
        { class: "said" },
        said.map((d) =>
          make(
            "li",
            { id: chosen ? `said-${d.number}` : null, tabindex: "-1" },
            make("b", {}, `${d.number}. `),
            sign(d.direction), " ",
            make("span", { class: "code" }, d.code), " ",
            d.span
              ? make("button", { type: "button", class: "as-text", onclick: () => lead(d) }, `line ${d.place[0]}, column ${d.place[1]}`)
              : make("span", { class: "quiet" }, "the rule as a whole"),
            make("p", {}, d.message),
            advice[d.code] ? make("p", { class: "quiet" }, advice[d.code]) : "",
          ),
        ),
      ),
    ];
  }

  function events(title, given) {
    if (!given || !given.count) return [];
    const more = given.different > given.rows.length ? ` (the first ${given.rows.length} different ones of ${given.count})` : "";
    const times = (n) => (given.times[n] > 1 ? make("span", { class: "quiet" }, ` (${given.times[n]} times)`) : "");
    const row = (r, at) => make("li", {}, Object.entries(r).flatMap(([k, v], n) => [n ? ", " : "", make("span", { class: "key" }, `${k}=`), value(v)]), times(at));
    return [make("h4", {}, title + more), make("ol", { class: "events code" }, given.rows.map(row))];
  }

  function world(target, told, contradicts) {
    const said = contradicts
      ? told.lacking.count || told.surplus.count
        ? "Both alert, and do not find the same:"
        : told.kql
          ? "The KQL alerts on these events, and the text does not:"
          : "The text alerts on these events, and the KQL does not:"
      : "The KQL alerts on these events, and the text does what it claims:";
    return [
      make("p", {}, told.about ? `${told.about}. ` : "", said),
      ...Object.entries(told.rows).flatMap(([table, rows]) => events(`Rows of ${table}`, rows)),
      ...events(`The same events in ${targets[target]}`, told.events),
      ...events("What the KQL finds and the text does not", told.lacking),
      ...events("What the text finds and the KQL does not", told.surplus),
    ];
  }

  function proved(target, proof) {
    if (!proof) return [];
    const counts = proof.worlds ? `${proof.events} events in ${proof.worlds} worlds, of which ${proof.alerting} alert` : "";
    const reached = proof.branches[1] ? `${proof.branches[0]} of ${proof.branches[1]} both true and false on some event` : "";
    const half = proof.half;
    return [
      make("h4", {}, "Proof"),
      terms([
        ["Outcome", sign(proof.outcome)],
        ["Claim", words[proof.claim][1]],
        ["Errs", proof.errs && words[proof.errs][1]],
        ["Why", proof.why],
        ["Tried on", counts],
        ["Conditions", reached],
        ["Compared", proof.worlds ? proof.compared : ""],
        ["Not tried", proof.missing.join("; ")],
      ], "needs"),
      half.length
        ? make("details", {}, make("summary", {}, `Conditions not tried both ways: ${proof.branches[1] - proof.branches[0]}`),
            make("ul", {}, half.map((c) => make("li", {}, make("code", {}, c.text), c.true ? ": only true" : c.false ? ": only false" : ": never evaluated"))))
        : "",
      ...(proof.contradiction ? world(target, proof.contradiction, true) : []),
      proof.example ? make("details", {}, make("summary", {}, "Events of the proof"), ...world(target, proof.example, false)) : "",
    ];
  }

  function needs(output) {
    const missing = (output.missing || []).filter((m) => m.fields.length).map((m) => `${m.fields.join(", ")} of ${m.table}`);
    const homeless = (output.reads || []).filter((r) => !r.home).map((r) => r.table);
    const link = (path) => !linked ? path : make("a", { href: path.split("/").map(encodeURIComponent).join("/") }, path);
    return terms([
      ["Verdict", sign(output.verdict)],
      ["Readiness", output.readiness ? sign(output.readiness) : ""],
      ["Lane", output.lane],
      ["Reads", make("span", {}, (output.reads || []).filter((r) => r.home).flatMap((r, n) => [n ? make("br") : "", `${r.table}: ${r.home}, `, make("code", {}, r.place)]))],
      ["No home known", homeless.join(", ")],
      ["No field known", missing.join("; ")],
      ["To be set up", (output.set_up || []).join("; ")],
      ["Files", output.paths.length ? make("span", {}, output.paths.flatMap((p, n) => [n ? ", " : "", link(p)])) : ""],
    ].filter(([, v]) => !(v instanceof Element && !v.childNodes.length)), "needs");
  }

  // A text that was written, with a button that copies it as it is: on the page what cannot be seen stands as an escape. Where a browser
  // lets no page copy, the text is selected; one that was cut off is not to be copied.
  function written(text, cut) {
    const block = make("pre", { class: "text-block" }, text.replace(/\n+$/, ""));
    const take = async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        copy.textContent = "Selected";
      }
      setTimeout(() => (copy.textContent = "Copy"), 2000);
    };
    const copy = make("button", { type: "button", class: "copy", onclick: take }, "Copy");
    return [cut && text.endsWith("…") ? "" : copy, block];
  }

  function panel(rule, target, output, chosen, n) {
    const several = output.texts.length > 1;
    return make(
      "div",
      { role: "tabpanel", id: `panel-${n}`, "aria-labelledby": `tab-${n}`, hidden: !chosen, tabindex: "0" },
      make("h4", { class: "of-target" }, `What was written for ${targets[target]}`),
      output.texts.length ? "" : make("p", {}, "Nothing was written."),
      output.texts.map((text, place) => [
        several ? make("h4", {}, `Query ${place + 1} of ${output.texts.length}`) : "",
        ...written(text, rule.cut),
      ]).flat(),
      output.filters ? [make("h4", {}, "Filters of the exclusions"), ...written(output.filters, rule.cut)] : "",
      needs(output),
      proved(target, output.proof),
      chosen ? "" : deviations(rule, output, chosen),
    );
  }

  // The tabs of a rule's outputs and their panels; `choose` is told which one is asked for, `more` stands beside the verdict of an output.
  function tabs(rule, chosen, choose, more = () => []) {
    const names = Object.keys(rule.outputs);
    const list = make("div", { role: "tablist", "aria-label": "Outputs" });
    names.forEach((target, place) => {
      const key = (event) => {
        const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: names.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        choose((to + names.length) % names.length);
      };
      list.append(make("button", {
        type: "button", role: "tab", id: `tab-${place}`, "aria-selected": String(place === chosen), "aria-controls": `panel-${place}`,
        tabindex: place === chosen ? "0" : "-1", onclick: () => choose(place), onkeydown: key,
      }, targets[target], sign(rule.outputs[target].verdict), ...more(rule.outputs[target])));
    });
    return [list, ...names.map((target, place) => panel(rule, target, rule.outputs[target], place === chosen, place))];
  }

  const operators = { gt: "more than", lt: "fewer than", eq: "exactly", ne: "any number but", greaterthan: "more than", lessthan: "fewer than", equal: "exactly", notequal: "any number but" };
  const contracts = {
    source: ["The rule", (a) => {
      const [operator, threshold] = a.trigger.split(" ");
      return [
        ["Runs", a.frequency ? `every ${length(a.frequency)}` : "not on a schedule"],
        ["Looks at", a.period ? `the last ${length(a.period)}` : "what the query says"],
        ["Alerts on", `${operators[operator.toLowerCase()] || operator} ${threshold} rows`],
        ["Kind", a.kind],
        ...Object.entries(a.settings || {}),
      ];
    }, []],
    splunk: ["Splunk", (a) => [
      ["Runs", a.cron_schedule || "not on a schedule"],
      ["Looks at", `${a["dispatch.earliest_time"] || ""} to ${a["dispatch.latest_time"] || "now"}`],
      ["Alerts on", a.relation ? `results ${a.relation} ${a.quantity}` : ""],
    ], ["cron_schedule", "dispatch.earliest_time", "dispatch.latest_time", "relation", "quantity"]],
    kibana: ["Elastic", (a, rule) => [
      ["Runs", a.interval ? `every ${a.interval}` : ""],
      ["Looks at", a.from ? `${a.from} to now` : ""],
      ["Kind", a.kind],
      ["As packaged", rule.kibana ? make("span", {}, sign(rule.kibana.verdict), " ", rule.kibana.readiness ? sign(rule.kibana.readiness) : "") : ""],
    ], ["interval", "from", "kind"]],
  };

  function contract(rule) {
    const cards = Object.entries(rule.alert || {}).map(([product, alert]) => {
      const [name, main, used] = contracts[product] || [product, () => [], []];
      const rest = product === "source" ? [] : Object.entries(alert).filter(([k]) => !used.includes(k)).map(([k, v]) => [k, value(v)]);
      const about = product === "source" ? rule.entities.map((e) => `${e.type}.${e.identifier} = ${e.column}`).join(", ") : "";
      return make("section", { class: "card", "aria-label": `Alert: ${name}` }, make("h4", {}, name), terms([...main(alert, rule), ["Entities", about], ...rest], ""));
    });
    return cards.length ? [make("h3", {}, "Alert contract"), make("div", { class: "contracts" }, cards)] : [];
  }

  return { contract, deviations, kql, make, numbered, panel, seen, sign, stay, tabs, worse };
}
