// The page Faxes: what needs a person, what is under way, batches, figures, and a table.

import {
  OUTCOMES, ago, ask, badge, h, lasting, leave, many, moment, outward, pagesOf, plural, runPath, sharesOf, showProblem, since,
  taskName, taskPath, timeOf, vendorName,
} from "./parts.js";
import * as plots from "./plots.js";

const PER_PAGE = 50;
const PERIODS = { "1d": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", all: "all" };
const DEFAULTS = { period: "7d", outcome: "", cause: "", dag: "", conn_id: "", search: "" };

const state = { ...DEFAULTS, page: 0 };
const known = { dag: new Set(), conn_id: new Set(), cause: {} };
let asked = 0;

const place = (id) => document.getElementById(id);
const chosen = () => Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, state[name]]));

function readAddress() {
  const told = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) if (told.has(name)) state[name] = told.get(name);
  if (!(state.period in PERIODS)) state.period = DEFAULTS.period;
  if (state.outcome && !(state.outcome in OUTCOMES)) state.outcome = "";
}

function writeAddress() {
  const told = Object.entries(chosen()).filter(([name, value]) => value !== DEFAULTS[name]);
  history.replaceState(null, "", told.length ? `#${new URLSearchParams(told)}` : "#");
}

function change(changes) {
  Object.assign(state, { page: 0 }, changes);
  writeAddress();
  drawFilters();
  load();
}

function select(label, name, options) {
  const field = h("select", { name, change: () => change({ [name]: field.value }) },
    options.map(([value, words]) => h("option", { value, selected: value === state[name] }, words)));
  return h("label", {}, label, field);
}

function drawFilters() {
  const withAny = (values, words = (value) => value) => {
    const all = new Set(values);
    return [["", "any"], ...[...all].sort((one, other) => words(one).localeCompare(words(other))).map((value) => [value, words(value)])];
  };
  const focused = document.activeElement?.name;
  const search = h("input", { type: "search", name: "search", value: state.search, placeholder: "Job id or label", maxlength: 250 });
  const form = place("filters");
  form.replaceChildren(
    select("Period", "period", Object.entries(PERIODS)),
    select("Outcome", "outcome", [["", "any"], ...Object.entries(OUTCOMES).map(([value, { words }]) => [value, words])]),
    select("Cause", "cause", withAny([...Object.keys(known.cause), state.cause].filter(Boolean), (value) => known.cause[value] ?? value)),
    select("DAG", "dag", withAny([...known.dag, state.dag].filter(Boolean))),
    select("Connection", "conn_id", withAny([...known.conn_id, state.conn_id].filter(Boolean))),
    h("label", {}, "Search", search),
    h("button", { type: "submit" }, "Search"),
    h("button", { type: "button", disabled: Object.keys(DEFAULTS).every((name) => state[name] === DEFAULTS[name]), click: () => change({ ...DEFAULTS }) }, "Clear"),
    h("button", { type: "button", title: "Read the faxes again", click: load }, "Reload"),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    change({ search: search.value.trim() });
  };
  if (focused) form.elements[focused]?.focus();
}

function drawNow(found, accounts) {
  const cards = found.attention.map((group) =>
    h("section", { class: "card alarm", "data-kind": group.kind },
      h("header", {}, h("span", { class: "number" }, `${many(group.count)}${group.is_more ? "+" : ""}`), h("h3", {}, group.title)),
      h("p", {}, group.advice),
      group.kind === "credentials" && h("p", { class: "soft" }, `Connection ${group.conn_ids.join(", ")}`),
      h("ul", {},
        group.batches.map((batch) =>
          h("li", {}, outward(taskPath(batch), { title: `${batch.dag_id} ${batch.run_id} ${taskName(batch)}` }, `${batch.dag_id} ${taskName(batch)}`),
            h("span", { class: "soft" }, `${many(batch.faxes)} of ${plural(batch.total, "fax", "faxes")}`),
            h("span", { class: "soft" }, ago(batch.at)))),
        group.faxes.map((fax) =>
          h("li", {}, outward(taskPath(fax), { title: `${fax.dag_id} ${fax.run_id} ${taskName(fax)}` }, fax.label || `${fax.dag_id} ${taskName(fax)}`),
            h("span", { class: "soft" }, fax.cause_in_words || fax.conn_id || ""),
            h("span", { class: "soft" }, ago(fax.at))))),
      group.single > group.faxes.length && ["unknown", "fatal"].includes(group.kind) &&
        h("button", { type: "button", class: "plain", click: () => change({ outcome: group.kind }) }, "Show all"),
    ));
  const stopped = (accounts ?? []).filter((account) => account.stopped_until);
  if (stopped.length && !found.attention.some((group) => group.kind === "credentials"))
    cards.push(h("section", { class: "card alarm" }, h("header", {}, h("span", { class: "number" }, stopped.length), h("h3", {}, "Stopped account")),
      stopped.map((account) => h("p", {}, `${account.conn_id}: the vendor refuses the log-in. No task of this machine asks before `, moment(account.stopped_until), ". Correct the key or password, and test the connection."))));
  if (found.waiting.length) {
    const left = (conn_id) => {
      const account = (accounts ?? []).find((each) => each.conn_id === conn_id);
      if (!accounts) return "…";
      if (!account || account.requests_left === null) return "not known";
      return `${account.requests_left} of ${account.requests_per_minute}`;
    };
    cards.push(h("section", { class: "card", id: "waiting" },
      h("header", {}, h("span", { class: "number" }, many(found.waiting.reduce((sum, row) => sum + row.faxes, 0))), h("h3", {}, "Waiting now")),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Connection"), h("th", { scope: "col", class: "end" }, "Faxes"),
        h("th", { scope: "col", class: "end" }, "Oldest"),
        h("th", { scope: "col", class: "end", title: "Requests that the account has left in this minute, as far as this machine knows" }, "Requests left"))),
      h("tbody", {}, found.waiting.map((row) => h("tr", {},
        h("td", {}, row.conn_id, h("span", { class: "two" }, vendorName(row.vendor))), h("td", { class: "end" }, many(row.faxes)),
        h("td", { class: "end" }, lasting(since(row.oldest))), h("td", { class: "end" }, left(row.conn_id))))))));
  }
  const quiet = !found.attention.length && !stopped.length;
  if (quiet) cards.unshift(h("section", { class: "card" }, h("header", {}, h("span", { class: "badge success" }, "✓"), h("h3", {}, "Nothing needs a person")),
    h("p", { class: "soft" }, "No fax is unknown, held for credit or left alone, no log-in is refused, and none failed for good in the last 24 hours.")));
  place("now").replaceChildren(h("h2", { class: "soft" }, quiet ? "Now" : "Needs a person"), h("div", { class: "cards" }, cards));
}

const BATCH_HEADS = ["Sent", "DAG, run, task", "Connection", "Faxes", "What became of them", "Time"];

function drawBatches(found) {
  const section = place("batches");
  section.hidden = !found.batches.length;
  if (section.hidden) return;
  const shown = found.batches.length < found.batches_in_all ? `the newest ${many(found.batches.length)} of ${many(found.batches_in_all)}` : null;
  section.replaceChildren(
    h("div", { class: "over" }, h("h2", { id: "batches-head" }, "Batches"), shown && h("p", {}, shown)),
    h("div", { class: "scroll", role: "region", "aria-labelledby": "batches-head", tabindex: "0" }, h("table", {},
      h("thead", {}, h("tr", {}, BATCH_HEADS.map((name) => h("th", { scope: "col", class: ["Faxes", "Time"].includes(name) ? "end" : null }, name)))),
      h("tbody", {}, found.batches.map((batch) => h("tr", { title: batch.next_step },
        h("td", { class: "time" }, moment(batch.sent_at ?? batch.at, { inTwo: true })),
        taskCell(batch),
        h("td", {}, h("span", { class: "cut narrow", title: batch.conn_id }, batch.conn_id ?? "–"), h("span", { class: "two" }, vendorName(batch.vendor))),
        h("td", { class: "end" }, many(batch.total)),
        h("td", { class: "shares-cell" }, sharesOf(batch), batch.stopped && h("span", { class: "two" }, `Sending ended early: ${batch.stopped}`)),
        h("td", { class: "end" }, timeOf(batch))))))));
}

let figures = null;

function drawPlots() {
  const section = place("plots");
  section.hidden = !figures || !figures.outcomes.length;
  if (section.hidden) return;
  const columns = Math.max(1, Math.min(4, Math.floor((section.clientWidth + 12) / 277)));
  const width = Math.max(220, (section.clientWidth - 12 * (columns - 1)) / columns - 30);
  section.replaceChildren(
    plots.outcomes(figures, width),
    plots.causes(figures, (row) => change({ cause: row.cause, outcome: row.outcome })),
    plots.delivery(figures, width),
    plots.cost(figures),
  );
}

const HEADS = ["Time", "DAG, run, task", "Label, job", "Number", "Connection", "Outcome", "Cause", "Pages", "Attempt", "Cost"];
const AT_THE_END = new Set(["Pages", "Attempt", "Cost"]);

function taskCell(fax) {
  return h("td", {}, outward(taskPath(fax), { class: "cut", title: `${fax.dag_id}, ${taskName(fax)}` }, `${fax.dag_id} · ${taskName(fax)}`),
    h("span", { class: "two" }, outward(runPath(fax), { class: "cut", title: fax.run_id }, fax.run_id)));
}

function row(fax) {
  const calls = fax.attempts > 1 ? `The vendor dialled ${fax.attempts} times.` : null;
  return h("tr", {},
    h("td", { class: "time" }, moment(fax.seen_final_at ?? fax.sent_at ?? fax.at, { inTwo: true })),
    taskCell(fax),
    h("td", {}, h("span", { class: "cut narrow", title: fax.label }, fax.label ?? "–"),
      h("span", { class: "two" }, fax.job_id ? `job ${fax.job_id}` : "no job")),
    h("td", { class: "number-cell" }, fax.number ?? "–"),
    h("td", {}, h("span", { class: "cut narrow", title: fax.conn_id }, fax.conn_id ?? "–"), h("span", { class: "two" }, vendorName(fax.vendor))),
    h("td", {}, badge(fax.outcome), fax.outcome === "pending" && h("span", { class: "two" }, `for ${lasting(since(fax.sent_at ?? fax.at))}`)),
    h("td", { class: "cause", title: [fax.message, fax.next_step].filter(Boolean).join("\n") }, fax.cause_in_words ?? (fax.waits_for ? `Waits for ${fax.waits_for}` : "–"),
      fax.code != null && fax.outcome !== "success" && h("span", { class: "two" }, `code ${fax.code}`)),
    h("td", { class: "end" }, pagesOf(fax)),
    h("td", { class: "end", title: calls }, fax.try_number ?? "–"),
    h("td", { class: "end" }, fax.cost ?? "–"));
}

function drawTable({ faxes, total }) {
  place("count").textContent = plural(total, "fax", "faxes");
  const isFiltered = ["outcome", "cause", "dag", "conn_id", "search"].some((name) => state[name]);
  place("rows").replaceChildren(faxes.length
    ? h("table", {}, h("thead", {}, h("tr", {}, HEADS.map((name) => h("th", { scope: "col", class: AT_THE_END.has(name) ? "end" : null }, name)))),
        h("tbody", {}, faxes.map(row)))
    : h("div", { class: "empty" },
        h("p", {}, isFiltered ? "No fax fits." : `No fax in ${state.period === "all" ? "this Airflow" : `the last ${PERIODS[state.period]}`}.`),
        !isFiltered && h("p", {}, "A fax stands here as soon as a task with SendFaxOperator has sent it."),
        (isFiltered || state.period !== "all") && h("button", { type: "button", click: () => change(isFiltered ? { ...DEFAULTS, period: state.period } : { period: "all" }) }, isFiltered ? "Clear the filters" : "Look at all")));
  const pages = Math.ceil(total / PER_PAGE);
  place("pages").hidden = pages < 2;
  place("pages").replaceChildren(
    h("button", { type: "button", disabled: state.page === 0, click: () => turn(-1) }, "Newer"),
    h("span", {}, `Page ${many(state.page + 1)} of ${many(pages)}`),
    h("button", { type: "button", disabled: state.page + 1 >= pages, click: () => turn(1) }, "Older"));
}

function drawTools() {
  const csv = h("a", { class: "button", href: `data/faxes.csv?${new URLSearchParams(Object.entries(chosen()).filter(([, value]) => value))}`, download: "faxes.csv", click: (event) => leave(event, csv) }, "CSV");
  place("tools").replaceChildren(csv);
}

async function turn(by) {
  state.page += by;
  await loadTable(++asked).catch(showProblem);
  place("table").focus();
}

async function loadTable(mine) {
  place("rows").classList.add("loading");
  const found = await ask("data/faxes", { ...chosen(), limit: PER_PAGE, offset: state.page * PER_PAGE });
  if (mine !== asked) return;
  place("rows").classList.remove("loading");
  drawTable(found);
}

async function load() {
  const mine = ++asked;
  const wanted = chosen();
  const isCurrent = () => mine === asked;
  showProblem(null);
  drawTools();
  try {
    // The table first: what is asked for at once shares the server's time.
    await loadTable(mine);
    if (!isCurrent()) return;
    // What needs a person needs one whatever the table is filtered by.
    const found = await ask("data/now", { period: wanted.period, dag: wanted.dag, conn_id: wanted.conn_id });
    if (!isCurrent()) return;
    found.batches.forEach((batch) => known.dag.add(batch.dag_id) && batch.conn_id && known.conn_id.add(batch.conn_id));
    drawNow(found, null);
    drawBatches(found);
    const drawn = await ask("data/figures", wanted);
    if (!isCurrent()) return;
    figures = drawn;
    drawn.choices.dag_id.forEach((name) => known.dag.add(name));
    drawn.choices.conn_id.forEach((name) => known.conn_id.add(name));
    known.cause = drawn.choices.cause;
    drawFilters();
    drawPlots();
    const accounts = await ask("data/accounts", { period: wanted.period });
    if (isCurrent()) drawNow(found, accounts);
  } catch (error) {
    if (isCurrent()) showProblem(error);
  }
}

let waits = 0;
window.addEventListener("resize", () => {
  clearTimeout(waits);
  waits = setTimeout(drawPlots, 150);
});
readAddress();
drawFilters();
load();
