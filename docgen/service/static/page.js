// The page at /: a record in, its pages out, through the same API that everybody else uses.

const CSS_DPI = 96;
const WAIT_AFTER_TYPING_MS = 350;
const $ = (id) => document.getElementById(id);

let insurers = [];
let samples = {};
let turn = 0; // answers that come back after a newer question are dropped
let timer;

async function getJson(address) {
  const response = await fetch(address);
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

async function problemOf(response) {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) return response.json();
  return { title: `The service answered ${response.status}.`, violations: [] };
}

// The record goes out as it was typed, so that the service itself judges it: keys written twice, line numbers and all.
function body() {
  const head = JSON.stringify({
    insurer: $("insurer").value,
    document: $("document").value,
    options: { specimen: $("specimen").checked },
  });
  return `${head.slice(0, -1)},"record":${$("record").value.trimEnd() || "null"}\n}`;
}

async function order(accept, query = "") {
  const response = await fetch(`/v1/documents${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept },
    body: body(),
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Keeps the choice where the new options have it too.
function fill(select, options, otherwise) {
  const wanted = [select.value, otherwise].find((value) => options.some(([offered]) => offered === value));
  select.replaceChildren(...options.map(([value, text]) => element("option", { value, textContent: text })));
  if (wanted) select.value = wanted;
}

function showDocuments() {
  const insurer = insurers.find(({ id }) => id === $("insurer").value);
  fill($("document"), insurer.documents.map((name) => [name, name]));
}

async function showSamples() {
  const prefix = `${$("insurer").value}-`;
  samples = await getJson(`/v1/documents/${encodeURIComponent($("document").value)}/samples`);
  const names = Object.keys(samples)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  fill($("sample"), names.map((name) => [name, name.replaceAll("-", " ")]), "insured");
}

function showRecord() {
  $("record").value = JSON.stringify(samples[`${$("insurer").value}-${$("sample").value}`] ?? {}, null, 2);
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, WAIT_AFTER_TYPING_MS);
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  const started = performance.now();
  try {
    const report = await (await order("application/json")).json();
    const pictures = await Promise.all(report.pages.map((page) => picture(page)));
    if (mine !== turn) return;
    showPages(pictures);
    showReport(report);
    const took = Math.round(performance.now() - started);
    $("status").textContent = `${report.pages.length} pages, rendered and drawn in ${took} ms`;
  } catch (problem) {
    if (mine === turn) showProblem(problem);
  }
}

async function picture(page) {
  const zoom = Number($("zoom").value) / 100;
  const dpi = Math.min(600, Math.max(72, Math.round(CSS_DPI * zoom * window.devicePixelRatio)));
  const overlay = ["trim", "safe"].filter((name) => $(name).checked).join(",");
  const response = await order("image/png", `?page=${page.number}&dpi=${dpi}&overlay=${overlay}`);
  const image = element("img", { alt: `Page ${page.number}, ${page.side}, of ${$("sample").value}` });
  image.src = URL.createObjectURL(await response.blob());
  await image.decode();
  image.style.width = `${(image.naturalWidth / dpi) * CSS_DPI * zoom}px`;
  const caption = `Page ${page.number}: ${page.side}, ${page.width} × ${page.height} mm, and bleed`;
  return element("figure", {}, element("figcaption", { textContent: caption }), image);
}

function showPages(pictures) {
  for (const old of $("pages").querySelectorAll("img")) URL.revokeObjectURL(old.src);
  $("pages").replaceChildren(...pictures);
  $("pages").classList.remove("stale");
  $("refused").hidden = true;
}

function showReport(report) {
  const facts = [
    ["Issued on", report.issued_on],
    ["Expires on", report.expires_on ? `${report.expires_on} (${report.expiry_reason})` : null],
    ["Substituted", report.substitutions.map((one) => `${one.character} → ${one.replacement}`).join(", ")],
    ["SHA-256", report.sha256],
  ].filter(([, value]) => value);
  $("facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [
      element("dt", { textContent: name }),
      element("dd", { textContent: value }),
    ]),
  );
  const fits = report.fits.map((fit) => ({ ...fit, verdict: verdict(fit) }));
  const pushed = fits.filter((fit) => fit.verdict).length;
  $("fit-summary").textContent = `Fit: ${pushed || "none"} of ${fits.length} texts pushed to fit`;
  $("fits").replaceChildren(...fits.sort((a, b) => strain(b) - strain(a)).map(fitRow));
  $("report").hidden = false;
}

function strain(fit) {
  return fit.omitted ? 2 : 1 - fit.condensed * (fit.size / fit.nominal) + (fit.lines - 1) / 100;
}

function verdict(fit) {
  if (fit.omitted) return "left out";
  const parts = [];
  if (fit.condensed < 1) parts.push("condensed");
  if (fit.size < fit.nominal) parts.push("shrunk");
  if (fit.lines > 1) parts.push("wrapped");
  return parts.join(", ");
}

function fitRow(fit) {
  const size = fit.size < fit.nominal ? `${fit.size} of ${fit.nominal} pt` : `${fit.nominal} pt`;
  const cells = [fit.side, fit.element, size, `${Math.round(fit.condensed * 100)} %`, fit.lines, fit.verdict || "fits"];
  const row = element("tr", {}, ...cells.map((cell) => element("td", { textContent: cell })));
  row.classList.toggle("pushed", Boolean(fit.verdict));
  return row;
}

function showProblem(problem) {
  const count = problem.violations?.length ?? 0;
  const title = problem.title ?? "The service does not answer.";
  $("refused-title").textContent = count > 1 ? `${count} things keep this from being printed` : title;
  $("violations").replaceChildren(...(problem.violations ?? []).map(violationItem));
  $("refused").hidden = false;
  $("report").hidden = true;
  $("pages").classList.add("stale");
  const last = $("pages").childElementCount ? " Below are the last pages that could be made." : "";
  $("status").textContent = `Nothing was made.${last}`;
}

function violationItem({ code, message, hint, pointer, element: id, file, line }) {
  const item = element("li", {}, `${message} `, element("code", { textContent: code }), " ");
  if (pointer) {
    const jump = element("button", { type: "button", className: "pointer", textContent: pointer });
    jump.title = "Show it in the record";
    jump.addEventListener("click", () => select(pointer));
    item.append(jump);
  }
  if (id) item.append(` element ${id}`);
  if (file) item.append(` ${file}${line ? `:${line}` : ""}`);
  if (hint) item.append(element("span", { className: "hint", textContent: hint }));
  return item;
}

// Selects the deepest key of a JSON pointer that stands in the record's text, searching key after key.
function select(pointer) {
  const text = $("record").value;
  let from = 0;
  let found = null;
  for (const part of pointer.split("/").slice(1)) {
    const key = JSON.stringify(part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const at = text.indexOf(key, from);
    if (at < 0) continue;
    found = [at, at + key.length];
    from = at + key.length;
  }
  $("record").focus();
  if (found) $("record").setSelectionRange(...found);
}

async function openPdf() {
  const tab = window.open("", "_blank"); // at once, while the click still allows it
  try {
    const response = await order("application/pdf");
    const address = URL.createObjectURL(await response.blob());
    if (tab) tab.location = address;
    else window.location = address;
  } catch (problem) {
    tab?.close();
    showProblem(problem);
  }
}

function guarded(action) {
  return async () => {
    try {
      await action();
    } catch (problem) {
      showProblem(problem);
    }
  };
}

async function insurerChosen() {
  showDocuments();
  await documentChosen();
}

async function documentChosen() {
  await showSamples();
  sampleChosen();
}

function sampleChosen() {
  showRecord();
  refresh();
}

$("insurer").addEventListener("change", guarded(insurerChosen));
$("document").addEventListener("change", guarded(documentChosen));
$("sample").addEventListener("change", sampleChosen);
$("record").addEventListener("input", soon);
$("record").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    refresh();
  }
});
for (const id of ["specimen", "trim", "safe"]) $(id).addEventListener("change", refresh);
$("zoom").addEventListener("input", () => {
  $("zoom-value").value = `${$("zoom").value} %`;
  soon();
});
$("open").addEventListener("click", openPdf);
$("order").addEventListener("submit", (event) => event.preventDefault());

guarded(async () => {
  insurers = await getJson("/v1/insurers");
  fill($("insurer"), insurers.map(({ id, name }) => [id, `${name} (${id})`]));
  await insurerChosen();
})();
