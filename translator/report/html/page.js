(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { rules, targets } = data;
  const { contract, deviations, kql, make, seen, sign, stay, tabs, worse } = views(data);
  const overview = document.getElementById("overview");
  const view = document.getElementById("rule");
  const list = document.querySelector("ol.rules");
  const items = [...list.children];
  const form = document.getElementById("filters");
  const found = document.getElementById("found");
  const control = (name) => document.getElementById(`f-${name}`);
  const bySlug = new Map(rules.map((rule, n) => [rule.slug, n]));

  // --- the list: search, filters, order

  const texts = [];
  function searched(n) {
    if (texts[n] === undefined) {
      const r = rules[n];
      const names = Object.values(r.outputs).flatMap((o) => (o.missing || []).flatMap((m) => [m.table, ...m.fields]));
      const attack = r.attack ? [...r.attack.tactics, ...r.attack.techniques] : [];
      const codes = (r.said || []).map((d) => d.code);
      const error = r.error ? [r.error.message] : [];
      texts[n] = [r.name, r.id, r.source, ...(r.tables || []), ...attack, ...codes, ...names, ...error, r.kql || ""].join("\n").toLowerCase();
    }
    return texts[n];
  }

  function fits(rule, asked) {
    if (asked.tactic && !rule.tactics.includes(asked.tactic)) return false;
    if (!(asked.target || asked.verdict || asked.readiness || asked.proof || asked.code)) return true;
    if (rule.status === "failed") return asked.verdict === "failed" && !(asked.readiness || asked.proof || asked.code);
    return Object.entries(rule.outputs).some(
      ([target, output]) =>
        (!asked.target || target === asked.target) &&
        (!asked.verdict || output.verdict === asked.verdict) &&
        (!asked.readiness || output.readiness === asked.readiness) &&
        (!asked.proof || (output.proof ? output.proof.outcome : "not tried") === asked.proof) &&
        (!asked.code || output.said.some((n) => rule.said[n].code === asked.code)),
    );
  }

  let shown = rules.map((_, n) => n);
  function filter() {
    const asked = Object.fromEntries(["target", "verdict", "readiness", "proof", "tactic", "code"].map((name) => [name, control(name).value]));
    const wanted = control("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = [];
    for (const n of order) {
      const kept = fits(rules[n], asked) && wanted.every((word) => searched(n).includes(word));
      items[n].hidden = !kept;
      if (kept) shown.push(n);
    }
    found.textContent = `${shown.length} of ${rules.length}`;
  }

  let order = shown;
  function sort() {
    const rank = (n) => Math.max(-1, ...Object.values(rules[n].outputs).map((o) => worse.indexOf(o.verdict)), rules[n].error ? 9 : -1);
    order = rules.map((_, n) => n);
    if (control("order").value === "name") order.sort((a, b) => rules[a].name.localeCompare(rules[b].name, "en") || a - b);
    if (control("order").value === "worst") order.sort((a, b) => rank(b) - rank(a) || a - b);
    list.append(...order.map((n) => items[n]));
    filter();
  }

  // --- search, filters and order in the address, so that a link leads to them

  const controls = ["text", "target", "verdict", "readiness", "proof", "tactic", "code", "order"];
  function address() {
    const asked = new URLSearchParams(controls.map((name) => [name, control(name).value]).filter(([, value]) => value));
    return `#rules${asked.toString() && "?"}${asked}`;
  }

  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice("#rules?".length));
    for (const name of controls) control(name).value = asked.get(name) ?? "";
    sort();
  }

  function toAddress() {
    try {
      history.replaceState(null, "", address());
    } catch {
      // A browser that counts changes of the address has the next one.
    }
  }

  // What a count or a name of the overview stands for, as filters.
  function ask(given) {
    form.reset();
    for (const [name, wanted] of Object.entries(given)) control(name).value = wanted;
    location.hash = address();
    go();
  }

  function asking(element, given, label) {
    const button = make("button", { type: "button", class: "as-text", title: label, onclick: () => ask(given) });
    button.append(...element.childNodes);
    element.append(button);
  }

  // --- one rule

  function open(n, chosen = 0) {
    const rule = rules[n];
    const names = Object.keys(rule.outputs);
    const place = shown.indexOf(n);
    const step = (text, to) => (to === undefined ? "" : make("a", { href: `#rule/${rules[to].slug}` }, text));
    const facts = [
      make("span", {}, rule.source),
      rule.id && make("span", {}, rule.id),
      rule.severity && make("span", {}, `severity ${rule.severity}`),
      rule.tables?.length && make("span", {}, `reads ${rule.tables.join(", ")}`),
      rule.attack?.techniques.length || rule.attack?.tactics.length ? make("span", {}, [...rule.attack.tactics, ...rule.attack.techniques].join(", ")) : "",
    ].filter(Boolean);
    view.replaceChildren(
      make("p", { class: "steps" }, make("a", { href: address() }, "← All rules"), make("span", {}, step("Previous", place > 0 ? shown[place - 1] : undefined), " ", step("Next", place >= 0 ? shown[place + 1] : undefined))),
      make("h2", { id: "rule-title", tabindex: "-1" }, rule.name || "(no name)"),
      make("ul", { class: "facts-line quiet" }, facts.map((f) => make("li", {}, f))),
    );
    document.title = `${seen(rule.name)} – translation report`;
    if (rule.description) view.append(make("details", {}, make("summary", {}, "Description"), make("p", {}, rule.description)));
    if (rule.error) {
      view.append(make("p", {}, sign("failed"), ` line ${rule.error.line}, column ${rule.error.column}: `, rule.error.message));
      if (rule.kql) view.append(make("h3", {}, "KQL"), kql(rule, undefined));
      return;
    }
    if (rule.cut) view.append(make("p", { class: "quiet" }, "This pack is large, and long texts are cut where they end in …; the files have all of them."));
    const output = rule.outputs[names[chosen]];
    const left = make("div", {}, make("h3", {}, "KQL"), kql(rule, output), ...(output ? deviations(rule, output, true, names[chosen]) : []));
    const choose = (place) => {
      open(n, place);
      document.getElementById(`tab-${place}`).focus();
    };
    const right = make("div", {}, make("h3", {}, "Outputs"), ...tabs(rule, chosen, choose, (output) => (output.readiness ? [sign(output.readiness)] : [])));
    view.append(make("div", { class: "sides" }, left, right), ...contract(rule));
    requestAnimationFrame(() => stay(left));
  }

  // --- where the page is: a rule, or the overview

  const title = document.title;
  let scrolled = 0;
  function go() {
    if (location.hash.startsWith("#rules?")) fromAddress();
    else if (location.hash === "#rules") toAddress();
    const wanted = location.hash.startsWith("#rule/") ? bySlug.get(location.hash.slice(6)) : undefined;
    if (wanted !== undefined) {
      if (!overview.hidden) scrolled = scrollY;
      open(wanted);
      overview.hidden = true;
      view.hidden = false;
      scrollTo(0, 0);
      document.getElementById("rule-title").focus({ preventScroll: true });
      return;
    }
    const back = !view.hidden && view.querySelector("h2") ? [...list.querySelectorAll("a.name")].find((a) => a.hash === before) : null;
    view.hidden = true;
    view.replaceChildren();
    overview.hidden = false;
    document.title = title;
    if (back && /^(#rules(\?.*)?)?$/.test(location.hash)) {
      scrollTo(0, scrolled);
      back.focus({ preventScroll: true });
    } else if (location.hash.length > 1) {
      const section = document.getElementById(location.hash.slice(1).split("?")[0]);
      section?.scrollIntoView();
      section?.querySelector("h2")?.focus({ preventScroll: true });
    }
  }
  let before = location.hash;
  addEventListener("hashchange", () => {
    go();
    before = location.hash;
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !view.hidden) location.hash = address();
  });

  // What is long begins with its first rows; all of them are printed, and are there without this script.
  for (const long of document.querySelectorAll("[data-most]")) {
    const rest = [...long.children].slice(long.dataset.most);
    if (rest.length < 4) continue;
    const button = make("button", { type: "button", onclick: () => told(long.classList.toggle("folded")) });
    const told = (folded) => {
      button.textContent = folded ? `Show all ${long.children.length}` : "Show fewer";
      button.setAttribute("aria-expanded", String(!folded));
    };
    for (const row of rest) row.classList.add("more");
    told(long.classList.toggle("folded"));
    (long.closest("table") || long).after(button);
  }

  for (const code of [...new Set(rules.flatMap((r) => (r.said || []).map((d) => d.code)))].sort()) {
    control("code").append(make("option", { value: code }, code));
  }
  for (const element of document.querySelectorAll("[data-filter]")) {
    const { target, filter: name, value: wanted } = element.dataset;
    asking(element, { target, [name]: wanted }, "show these rules");
  }
  for (const element of document.querySelectorAll(".code[data-code]")) asking(element, { code: element.dataset.code }, "show these rules");
  for (const element of document.querySelectorAll(".technique")) {
    asking(element, { tactic: element.dataset.tactic, text: element.dataset.technique }, "show these rules");
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => (sort(), toAddress())));
  form.addEventListener("input", (event) => ((event.target.id === "f-order" ? sort : filter)(), toAddress()));
  go();
})();
