// The tab Fax of a task instance: all that is known of its fax, its attempts, and what to do next.

import { ask, badge, h, lasting, moment, outward, pagesOf, runPath, showProblem, since, vendorName } from "./parts.js";

const place = document.getElementById("fax");

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readAddress() {
  const told = {};
  for (const pair of location.hash.slice(1).split("&")) {
    const [name, ...value] = pair.split("=");
    told[name] = decode(value.join("="));
  }
  // Airflow leaves the place of an index as it is where a task has none.
  if (!/^-?\d+$/.test(told.map_index ?? "")) told.map_index = "-1";
  return told;
}

function draw({ fax, attempts }) {
  if (!fax) {
    place.replaceChildren(h("div", { class: "empty" }, h("p", {}, "This task instance has no fax."),
      h("p", {}, "One stands here as soon as a task with SendFaxOperator or FaxStatusSensor knows of it, until the task runs again.")));
    return;
  }
  const facts = [
    ["Label", fax.label],
    ["Number", fax.number],
    ["Vendor", vendorName(fax.vendor)],
    ["Connection", fax.conn_id],
    ["Fax job", fax.job_id ?? "none"],
    ["Cause", fax.cause_in_words],
    ["Code", fax.code],
    ["Message", fax.message],
    ["Pages", pagesOf(fax)],
    ["Size", fax.size != null ? `${Math.ceil(fax.size / 1000).toLocaleString()} kB` : null],
    ["Attempt", fax.try_number],
    ["Calls by the vendor", fax.attempts],
    ["Cost", fax.cost],
    ["Sent (our clock)", fax.sent_at && moment(fax.sent_at)],
    ["End seen (our clock)", fax.seen_final_at && moment(fax.seen_final_at)],
    ["Submitted (vendor's clock)", fax.submitted_at && moment(fax.submitted_at)],
    ["Completed (vendor's clock)", fax.completed_at && moment(fax.completed_at)],
    ["Key at the vendor", fax.key],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  const isCalm = /^Nothing/.test(fax.next_step);
  place.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, fax.label || "Fax"), badge(fax.outcome, { long: true }),
      fax.outcome === "pending" && h("span", { class: "soft" }, `for ${lasting(since(fax.sent_at ?? fax.at))}`),
      fax.cause_in_words && h("span", {}, fax.cause_in_words)),
    h("section", { class: `next${isCalm ? "" : " alarm"}`, "aria-labelledby": "next" }, h("h2", { id: "next" }, "What to do next"), h("p", {}, fax.next_step)),
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("h2", {}, "Attempts"),
    attempts && attempts.length
      ? h("div", { class: "scroll" }, h("table", {},
          h("thead", {}, h("tr", {}, ["Run", "Began", "Fax job", "Outcome", "Cause", "Code", "Pages"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, attempts.map((attempt) => h("tr", {},
            h("td", {}, attempt.run), h("td", { class: "time" }, moment(attempt.at)), h("td", {}, attempt.job_id ?? "–"),
            h("td", {}, attempt.outcome ? badge(attempt.outcome) : "not ended"), h("td", {}, attempt.cause_in_words ?? attempt.cause ?? "–"),
            h("td", {}, attempt.code ?? "–"), h("td", {}, attempt.pages_sent ?? "–"))))))
      : h("p", { class: "soft" }, "Airflow keeps the attempts of earlier runs from 3.3 on. The logs of the tries tell them, too."),
    h("p", {}, outward(runPath(fax), {}, "This DAG run"), " · ", outward("plugin/faxes", {}, "All faxes")));
}

async function load() {
  showProblem(null);
  try {
    draw(await ask("data/task", readAddress()));
  } catch (error) {
    showProblem(error);
  }
}

// Airflow shows another task by another address of the same frame.
window.addEventListener("hashchange", load);
load();
