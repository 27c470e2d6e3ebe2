// What the page and the tab share. Text is only ever set as text, never as HTML: labels are the users' own.

const SVG = "http://www.w3.org/2000/svg";

export const OUTCOMES = {
  success: { sign: "✓", words: "Delivered" },
  pending: { sign: "…", words: "Under way" },
  retryable: { sign: "↻", words: "Failed, may be retried" },
  fatal: { sign: "✕", words: "Failed for good" },
  unknown: { sign: "?", words: "Unknown" },
};
export const SHORT = { success: "Delivered", pending: "Under way", retryable: "Failed", fatal: "Failed for good", unknown: "Unknown" };
export const ORDER = ["success", "pending", "retryable", "fatal", "unknown"];
export const IN_A_BATCH = { success: "delivered", pending: "waiting", retryable: "failed for now", fatal: "failed for good", unknown: "unknown" };
const VENDORS = { faxto: "Fax.to", interfax: "InterFAX", extrafax: "ExtraFax Cloud" };

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false)
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export const h = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);
export const s = (tag, attributes = {}, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

export class Refused extends Error {}

export async function ask(path, parameters) {
  const query = new URLSearchParams(Object.entries(parameters ?? {}).filter(([, value]) => value !== "" && value != null));
  const answer = await fetch(`${path}?${query}`, { headers: { Accept: "application/json" } });
  if (answer.status === 401) throw new Refused("Your log-in has ended. Load Airflow's page again.");
  if (answer.status === 403) throw new Refused("You have no right to read this. Ask who runs Airflow.");
  if (!answer.ok) throw new Error(`Airflow answers ${answer.status}. Its API server's log says why.`);
  return answer.json();
}

export function showProblem(error) {
  const place = document.getElementById("problem");
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}

// Airflow shows the page in a frame that may not leave itself: its own document does it instead.
export function leave(event, anchor) {
  if (window.parent === window || event.button > 0) return;
  event.preventDefault();
  const there = window.parent.document.createElement("a");
  there.href = anchor.href;
  if (anchor.hasAttribute("download")) there.download = anchor.getAttribute("download");
  else if (event.ctrlKey || event.metaKey || event.shiftKey) {
    there.target = "_blank";
    there.rel = "noopener";
  }
  window.parent.document.body.append(there);
  there.click();
  there.remove();
}

export function outward(path, attributes, ...children) {
  const anchor = h("a", { href: `../${path}`, ...attributes, click: (event) => leave(event, anchor) }, ...children);
  return anchor;
}

const part = encodeURIComponent;
export const runPath = (fax) => `dags/${part(fax.dag_id)}/runs/${part(fax.run_id)}`;
export const taskPath = (fax) =>
  `${runPath(fax)}/tasks/${part(fax.task_id)}${fax.map_index >= 0 ? `/mapped/${fax.map_index}` : ""}`;
export const taskName = (fax) => (fax.map_index >= 0 ? `${fax.task_id} [${fax.map_index}]` : fax.task_id);
export const vendorName = (vendor) => VENDORS[vendor] ?? vendor;

export function badge(outcome, { long = false } = {}) {
  const known = OUTCOMES[outcome] ?? { sign: "", words: outcome };
  return h(
    "span",
    { class: `badge ${outcome in OUTCOMES ? outcome : ""}`, title: known.words },
    h("span", { "aria-hidden": "true" }, known.sign),
    ` ${long ? known.words : (SHORT[outcome] ?? outcome)}`,
  );
}

// How many of a batch came to what: a bar, and the counts in words.
export function sharesOf(batch) {
  const told = ORDER.filter((name) => batch.counts[name]);
  let at = 0;
  const bar = s("svg", { class: "shares", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, told.map((name) => {
    const width = (100 * batch.counts[name]) / Math.max(batch.total, 1);
    at += width;
    return s("rect", { class: `fill-${name}`, x: at - width, width, height: 8 });
  }));
  const words = told.map((name) => h("span", {}, h("i", { class: `fill-${name}` }), `${IN_A_BATCH[name]} ${many(batch.counts[name])}`));
  return [bar, h("div", { class: "legend" }, words.length ? words : "no fax")];
}

// For how long a batch is under way, or how long it took.
export function timeOf(batch) {
  const began = batch.sent_at ?? batch.at;
  if (batch.counts.pending) return `for ${lasting(since(began))}`;
  return `took ${lasting(since(began) - since(batch.seen_final_at ?? batch.at))}`;
}

const two = (value) => String(value).padStart(2, "0");
const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

// In the browser's own time zone; the tooltip tells UTC.
export function moment(text, { inTwo = false } = {}) {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "–";
  const told = { datetime: at.toISOString(), title: `${at.toISOString().replace("T", " ").slice(0, 19)} UTC` };
  return inTwo ? h("time", told, clock(at), h("span", { class: "two" }, day(at))) : h("time", told, `${day(at)} ${clock(at)}`);
}

export function lasting(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export const ago = (text) => h("time", { datetime: text, title: text }, `${lasting(since(text))} ago`);
export const since = (text) => (Date.now() - new Date(text ?? "").getTime()) / 1000;
export const many = (count) => count.toLocaleString();
export const plural = (count, one, more) => `${many(count)} ${count === 1 ? one : more}`;

export function pagesOf(fax) {
  if (fax.pages_sent == null) return fax.pages == null ? "–" : `${fax.pages}`;
  return fax.pages == null || fax.pages === fax.pages_sent ? `${fax.pages_sent}` : `${fax.pages_sent} of ${fax.pages}`;
}

// Airflow's own choice of light or dark, where the page stands in it; else the browser's.
function takeTheme() {
  try {
    const root = window.parent === window ? null : window.parent.document.documentElement;
    if (!root) return;
    const follow = () => {
      const theme = ["dark", "light"].find((name) => root.classList.contains(name));
      if (theme) document.documentElement.dataset.theme = theme;
      else delete document.documentElement.dataset.theme;
    };
    follow();
    new MutationObserver(follow).observe(root, { attributeFilter: ["class"] });
  } catch {
    // Another page shows this one in a frame of its own.
  }
}
takeTheme();
