(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { targets, words, example, most } = data;
  const advice = {};
  const { contract, deviations, kql, make, numbered, sign, stay, tabs, worse } = views({ targets, words, advice }, false);
  const by = (id) => document.getElementById(id);
  const [source, marks, numbers, mapping] = ["source", "marks", "numbers", "mapping"].map(by);
  const untyped = "pasted";
  let file = { name: untyped };
  let answer = null;
  let text = "";
  let mapped = "";
  let place = 0;
  let target = "sigma";
  let trying = false;

  // --- asking: the newest text alone is asked for; `text` and `mapped` are what the answer is of

  let running = null;
  let timer = 0;
  function stop() {
    running?.abort();
    clearTimeout(timer);
    if (trying) {
      trying = false;
      redraw();
    }
    busy(false);
  }

  function changed(pause = 350) {
    running?.abort();
    clearTimeout(timer);
    busy(true);
    say("Converting …");
    timer = setTimeout(convert, pause);
  }

  function busy(is) {
    by("outputs").setAttribute("aria-busy", String(is));
    by("download").disabled = is || !answer?.report;
  }

  function say(text, wrong = false, again = false) {
    by("state").textContent = text;
    by("state").className = wrong ? "wrong" : "";
    by("again").hidden = !again;
  }

  async function asked(prove, signal) {
    const given = file.data ? { data: file.data } : { text: source.value };
    const body = JSON.stringify({ ...given, name: file.name, mapping: mapping.value, fields: by("fields").value, prove });
    if (body.length > most) throw new Error(`This is larger than the ${most.toLocaleString("en")} bytes that are taken at once.`);
    const send = () => fetch("/convert", { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
    let response;
    try {
      response = await send();
      for (let left = 60; left && response.status === 503 && response.headers.has("Retry-After"); left -= 1) {
        say("Many ask at once: this page asks again by itself …");
        await new Promise((done) => setTimeout(done, 1000 * response.headers.get("Retry-After")));
        response = await send();
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error("The server does not answer.");
    }
    const found = await response.json().catch((error) => {
      if (signal.aborted) throw error;
      return { problem: `status ${response.status} and no answer` };
    });
    if (!response.ok) throw new Error(`Refused: ${found.problem}.`);
    return found;
  }

  async function convert() {
    running?.abort();
    const run = (running = new AbortController());
    trying = false;
    if (!file.data && !source.value.trim()) {
      show(null);
      say("Nothing to convert yet.");
      return;
    }
    try {
      mapped = mapping.value;
      const first = await asked(false, run.signal);
      if (run !== running) return;
      const claims = (first.rules || []).some((rule) => Object.values(rule.outputs).some((output) => output.verdict !== "none"));
      trying = claims && by("prove").checked;
      show(first);
      if (trying) {
        say("Converted. Trying the outputs on events …");
        const proved = await asked(true, run.signal);
        if (run !== running) return;
        trying = false;
        show(proved);
      }
      say(told(answer));
    } catch (error) {
      if (run.signal.aborted || run !== running) return;
      if (!trying) answer = null;
      trying = false;
      show(answer);
      say(error.message, true, true);
    }
  }

  function told(found) {
    if (!found) return "";
    if (found.mapping) return "Not converted: the mapping cannot be used.";
    if (found.problem) return `Not converted: ${found.problem}.`;
    const failed = found.rules.filter((rule) => rule.status === "failed").length;
    const count = (n) => (n === 1 ? "1 rule" : `${n} rules`);
    const converted = found.rules.length - failed;
    return `${[converted && `${count(converted)} converted`, failed && `${count(failed)} failed`].filter(Boolean).join(", ")}.`;
  }

  // --- what came

  function show(found) {
    answer = found;
    text = source.value;
    Object.assign(advice, found?.advice);
    const rules = found?.rules || [];
    place = Math.min(place, Math.max(0, rules.length - 1));
    by("rule").replaceChildren(...rules.map((rule, n) => make("option", { value: n, selected: n === place }, rule.name || "(no name)")));
    by("choice").hidden = rules.length < 2;
    const wrong = found?.mapping;
    by("mapping-says").textContent = wrong ? `line ${wrong.line}: ${wrong.message}` : mapped.trim() ? "Used." : "";
    by("mapping-says").className = wrong ? "wrong" : "";
    if (wrong) by("site").open = true;
    by("wanted").replaceChildren(...Object.entries(found?.wanted || {}).map(([family, lacking]) =>
      make("button", { type: "button", onclick: () => fill(family, lacking) }, `Add what ${family[0].toUpperCase()}${family.slice(1)} lacks`)));
    redraw();
    busy(false);
  }

  // A part of a mapping that is there already is the site's own: what lacks is added where there is none.
  function fill(family, lacking) {
    if (new RegExp(`^${family}:`, "m").test(mapping.value)) {
      by("mapping-says").textContent = `The mapping has a part '${family}' already: add to it by hand.`;
      return;
    }
    mapping.value = (mapping.value.trim() ? `${mapping.value.trimEnd()}\n` : "") + lacking;
    mapping.focus();
    changed();
  }

  const current = () => answer?.rules?.[place];
  const own = () => {
    const rule = current();
    return rule && (rule.outputs[target] || rule.outputs[Object.keys(rule.outputs)[0]]);
  };

  function redraw() {
    const focused = document.activeElement?.id;
    const rule = current();
    const names = rule ? Object.keys(rule.outputs) : [];
    const chosen = Math.max(0, names.indexOf(target));
    const output = own();
    by("outputs").replaceChildren();
    by("said").replaceChildren();
    by("archive").replaceChildren();
    by("here").textContent = "";
    if (rule) {
      const title = make("h3", { id: "title" }, rule.name || "(no name)");
      by("outputs").append(title);
      if (rule.error) by("outputs").append(make("p", {}, sign("failed"), ` line ${rule.error.line}, column ${rule.error.column}: `, rule.error.message));
      if (rule.cut) by("outputs").append(make("p", { class: "quiet" }, "Long texts are cut where they end in …; what is downloaded has all of them."));
      if (names.length) {
        const choose = (n) => {
          target = names[n];
          redraw();
          by(`tab-${n}`).focus();
        };
        by("outputs").append(...tabs(rule, chosen, choose, states), ...contract(rule));
        by("said").append(...deviations(rule, output, true, names[chosen], lead));
      }
      if (file.data && rule.kql !== undefined) by("archive").append(make("h3", {}, rule.source), kql(rule, output));
    }
    draw();
    stay(source.closest("section"));
    if (focused && document.activeElement?.id !== focused) by(focused)?.focus();
  }

  // Beside the verdict of an output: its readiness, and what came of trying it.
  function states(output) {
    const proof = output.proof ? sign(output.proof.outcome) : trying && output.verdict !== "none" ? make("span", { class: "sign k-note" }, "trying …") : "";
    return [output.readiness ? sign(output.readiness) : "", proof];
  }

  // --- the editor: what is said stands at its place behind the text, and the other way round

  const spans = () => {
    const rule = current();
    if (!rule || file.data) return [];
    const findings = (rule.findings || []).map((f, n) => ({ ...f, id: `f${n}`, kind: f.severity, label: f.code }));
    const error = rule.error && !findings.some((f) => f.severity === "error") ? [{ ...rule.error, id: "e", kind: "error", label: "error" }] : [];
    const output = own();
    const said = output ? numbered(rule, output).map((d) => ({ ...d, id: String(d.number), kind: d.direction, label: `${d.number}: ${words[d.direction][1]}, ${d.code}` })) : [];
    return [...error, ...findings, ...said].filter((d) => d.at);
  };

  let placed = [];
  function draw() {
    const typed = source.value;
    placed = typed === text ? spans() : [];
    const edges = new Set([0, typed.length]);
    for (const { at } of placed) at.forEach((edge) => edges.add(Math.min(edge, typed.length)));
    const points = [...edges].sort((a, b) => a - b);
    const rank = (kind) => ["note", "warning", ...worse.slice(1), "error"].indexOf(kind);
    marks.replaceChildren();
    points.forEach((start, n) => {
      const part = typed.slice(start, points[n + 1] ?? start);
      if (!part) return;
      const over = placed.filter(({ at }) => at[0] <= start && at[1] > start);
      if (!over.length) return marks.append(part);
      const worst = over.reduce((a, b) => (rank(b.kind) > rank(a.kind) ? b : a));
      marks.append(make("mark", { class: `k-${worst.kind}`, "data-ids": over.map((d) => d.id).join(" ") }));
      marks.lastChild.append(part);
    });
    marks.append("\n");
    const lines = typed.split("\n").length;
    numbers.textContent = Array.from({ length: lines }, (_, n) => n + 1).join("\n");
    source.rows = Math.min(Math.max(lines + 1, 8), 26);
    findings();
    scrolled();
  }

  function findings() {
    const rule = current();
    const list = rule && !file.data ? rule.findings || [] : [];
    by("findings").hidden = !list.length;
    by("findings").replaceChildren(
      make("h4", {}, "Findings in the KQL"),
      make("ol", { class: "said" }, list.map((f, n) => make("li", { "data-id": `f${n}` },
        make("span", { class: `sign k-${f.severity}` }, f.severity), " ", make("span", { class: "code" }, f.code), " ",
        f.at ? make("button", { type: "button", class: "as-text", onclick: () => select(f.at) }, `line ${f.place[0]}, column ${f.place[1]}`) : "",
        make("p", {}, f.message), f.hint ? make("p", { class: "quiet" }, f.hint) : ""))),
    );
  }

  function scrolled() {
    marks.style.transform = `translate(${-source.scrollLeft}px, ${-source.scrollTop}px)`;
    numbers.style.transform = `translateY(${-source.scrollTop}px)`;
  }

  function select([start, end]) {
    source.focus();
    source.setSelectionRange(start, Math.max(end, start));
    const before = source.value.slice(0, start).split("\n").length - 1;
    const height = source.scrollHeight / source.value.split("\n").length;
    if (before * height < source.scrollTop || before * height > source.scrollTop + source.clientHeight - height) {
      source.scrollTop = Math.max(0, (before - 3) * height);
    }
  }

  const lead = (d) => {
    if (file.data) by(`place-${d.number}`)?.focus();
    else if (placed.some((p) => p.id === String(d.number))) select(placed.find((p) => p.id === String(d.number)).at);
  };

  function light(ids) {
    const on = new Set(ids);
    for (const mark of marks.querySelectorAll("mark")) mark.classList.toggle("on", mark.dataset.ids.split(" ").some((id) => on.has(id)));
    for (const item of document.querySelectorAll(".said > li")) item.classList.toggle("on", on.has(item.dataset.id ?? item.id.replace("said-", "")));
    const here = placed.filter((d) => on.has(d.id)).map((d) => `${d.label}. ${d.message}`).join(" ");
    if (by("here").textContent !== here) by("here").textContent = here;
  }

  const under = (event) => document.elementsFromPoint(event.clientX, event.clientY).find((e) => e.tagName === "MARK" && marks.contains(e));
  const atCaret = () => placed.filter(({ at }) => at[0] <= source.selectionStart && source.selectionStart <= at[1]).map((d) => d.id);
  source.addEventListener("mousemove", (event) => light(under(event)?.dataset.ids.split(" ") ?? atCaret()));
  source.addEventListener("mouseleave", () => light(document.activeElement === source ? atCaret() : []));
  for (const event of ["selectionchange", "keyup", "click"]) {
    document.addEventListener(event, () => document.activeElement === source && light(atCaret()));
  }
  source.addEventListener("scroll", scrolled);
  for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    for (const list of [by("said"), by("findings")]) {
      list.addEventListener(enter, (event) => {
        const item = event.target.closest("li");
        if (item) light([item.dataset.id ?? item.id.replace("said-", "")]);
      });
      list.addEventListener(leave, () => light([]));
    }
  }

  // --- files

  const encodings = [[[0xff, 0xfe], "utf-16le"], [[0xfe, 0xff], "utf-16be"]];
  async function open(given) {
    if (!given.length) return;
    const [name, size] = [given.length === 1 ? given[0].name : "files.zip", given.reduce((sum, { size }) => sum + size, 0)];
    const refused = (why) => {
      stop();
      say(`${name} ${why}`, true);
    };
    if (size * 1.4 > most) return refused("is too large for this page: kql2sigma convert takes it.");
    let read;
    try {
      read = await Promise.all(given.map(async (one) => [one.name, new Uint8Array(await one.arrayBuffer())]));
    } catch {
      return refused("cannot be read. A folder is taken as an archive of it.");
    }
    const bytes = read.length === 1 ? read[0][1] : new Uint8Array(await zip(read).arrayBuffer());
    place = 0;
    if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3) {
      let binary = "";
      for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
      opened({ name, data: btoa(binary) }, "");
    } else {
      const [, encoding] = encodings.find(([mark]) => mark.every((byte, n) => bytes[n] === byte)) || [null, "utf-8"];
      opened({ name }, new TextDecoder(encoding).decode(bytes));
    }
  }

  function opened(given, content) {
    file = given;
    source.value = content;
    by("editor").hidden = Boolean(file.data);
    by("archive").hidden = by("close").hidden = !file.data;
    by("name").textContent = file.name === untyped ? "" : file.name;
    draw();
    changed(0);
  }

  by("file").addEventListener("change", async (event) => {
    await open([...event.target.files]);
    event.target.value = ""; // so that it can be opened again when it has changed
  });
  by("example").addEventListener("click", () => opened({ name: untyped }, example));
  by("close").addEventListener("click", () => opened({ name: untyped }, ""));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    by("editor").classList.add("dropping");
  });
  addEventListener("dragleave", () => by("editor").classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    by("editor").classList.remove("dropping");
    open([...event.dataTransfer.files]);
  });

  // --- archives without compression (APPNOTE.TXT of PKWARE, 4.3): of several files that are opened, and of what is downloaded

  const table = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  const crc = (bytes) => ~bytes.reduce((sum, byte) => table[(sum ^ byte) & 255] ^ (sum >>> 8), -1) >>> 0;

  function zip(files) {
    const [parts, central, utf8] = [[], [], new TextEncoder()];
    let at = 0;
    const head = (...fields) => {
      const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
      let offset = 0;
      for (const [size, value] of fields) {
        size === 2 ? view.setUint16(offset, value, true) : view.setUint32(offset, value, true);
        offset += size;
      }
      return new Uint8Array(view.buffer);
    };
    for (const [name, given] of files) {
      const [path, content] = [utf8.encode(name), typeof given === "string" ? utf8.encode(given) : given];
      // version, flags (names in UTF-8), method, time and date (1980-01-01), sum, sizes, lengths
      const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 33], [4, crc(content)], [4, content.length], [4, content.length], [2, path.length], [2, 0]];
      parts.push(head([4, 0x04034b50], ...common), path, content);
      central.push(head([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), path);
      at += 30 + path.length + content.length;
    }
    const size = central.reduce((sum, part) => sum + part.length, 0);
    return new Blob([...parts, ...central, head([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, at], [2, 0])], { type: "application/zip" });
  }

  by("download").addEventListener("click", () => {
    const files = Object.entries(answer.files);
    files.push(["report.json", `${JSON.stringify(answer.report, null, 2)}\n`]);
    if (!file.data) files.push([`source/${/\./.test(file.name) ? file.name.replace(/[^\w .-]/g, "_") : `${file.name}.kql`}`, source.value]);
    if (mapped.trim()) files.push(["mapping.yaml", mapped]);
    const link = make("a", { href: URL.createObjectURL(zip(files)), download: `${answer.rules.length === 1 ? answer.rules[0].slug : "kql2sigma"}.zip` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });

  source.addEventListener("input", () => {
    draw();
    changed();
  });
  mapping.addEventListener("input", () => changed());
  by("site").addEventListener("toggle", () => stay(source.closest("section")));
  by("fields").addEventListener("change", () => changed(0));
  by("prove").addEventListener("change", () => changed(0));
  by("again").addEventListener("click", () => changed(0));
  by("rule").addEventListener("change", (event) => {
    place = Number(event.target.value);
    redraw();
  });
  opened({ name: untyped }, example);
})();
