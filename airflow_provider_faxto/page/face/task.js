// The tab Fax of a task instance: all that is known of its fax or its batch, its attempts, and what to do next.

import {
  ask, badge, h, lasting, many, moment, outward, pagesOf, plural, runPath, sharesOf, showProblem, since, timeOf, vendorName,
} from "./parts.js";

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

const isTold = ([, value]) => value !== null && value !== undefined && value !== "";
const factsOf = (facts) => h("dl", { class: "facts" }, facts.filter(isTold).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
const nextOf = ({ next_step: step }) =>
  h("section", { class: `next${/^Nothing/.test(step) ? "" : " alarm"}`, "aria-labelledby": "next" }, h("h2", { id: "next" }, "What to do next"), h("p", {}, step));
const linksOf = (whose) => h("p", {}, outward(runPath(whose), {}, "This DAG run"), " · ", outward("plugin/faxes", {}, "All faxes"));

function drawBatch(batch) {
  place.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, `Batch of ${plural(batch.total, "fax", "faxes")}`), h("span", { class: "soft" }, timeOf(batch))),
    ...sharesOf(batch),
    nextOf(batch),
    factsOf([
      ["Vendor", vendorName(batch.vendor)],
      ["Connection", batch.conn_id],
      ["Began to send", batch.sent_at && moment(batch.sent_at)],
      ["End seen", batch.counts.pending ? "not yet" : batch.seen_final_at && moment(batch.seen_final_at)],
      ["Not sent", batch.unsent ? many(batch.unsent) : null],
      ["Sending ended early", batch.stopped],
      ["Attempt", batch.try_number],
      ["Result", batch.seen_final_at && (batch.path ?? "in XCom, return_value")],
    ]),
    h("h2", {}, "Causes"),
    batch.causes.length
      ? h("div", { class: "scroll" }, h("table", {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Cause"), h("th", { scope: "col", class: "end" }, "Faxes"))),
          h("tbody", {}, batch.causes.map((row) => h("tr", {}, h("td", { title: row.cause }, row.words), h("td", { class: "end" }, many(row.faxes)))))))
      : h("p", { class: "soft" }, batch.counts.pending ? "No fax has failed so far." : "No cause is known."),
    linksOf(batch));
}

function draw({ fax, batch, attempts }) {
  if (!fax && batch) {
    drawBatch(batch);
    return;
  }
  if (!fax) {
    place.replaceChildren(h("div", { class: "empty" }, h("p", {}, "This task instance has no fax."),
      h("p", {}, "One stands here as soon as a task with SendFaxOperator, SendFaxesOperator or FaxStatusSensor knows of it, until the task runs again.")));
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
  ];
  place.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, fax.label || "Fax"), badge(fax.outcome, { long: true }),
      fax.outcome === "pending" && h("span", { class: "soft" }, `for ${lasting(since(fax.sent_at ?? fax.at))}`),
      fax.cause_in_words && h("span", {}, fax.cause_in_words)),
    nextOf(fax),
    factsOf(facts),
    h("h2", {}, "Attempts"),
    attempts && attempts.length
      ? h("div", { class: "scroll" }, h("table", {},
          h("thead", {}, h("tr", {}, ["Run", "Began", "Fax job", "Outcome", "Cause", "Code", "Pages"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, attempts.map((attempt) => h("tr", {},
            h("td", {}, attempt.run), h("td", { class: "time" }, moment(attempt.at)), h("td", {}, attempt.job_id ?? "–"),
            h("td", {}, attempt.outcome ? badge(attempt.outcome) : "not ended"), h("td", {}, attempt.cause_in_words ?? attempt.cause ?? "–"),
            h("td", {}, attempt.code ?? "–"), h("td", {}, attempt.pages_sent ?? "–"))))))
      : h("p", { class: "soft" }, "Airflow keeps the attempts of earlier runs from 3.3 on. The logs of the tries tell them, too."),
    linksOf(fax));
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
