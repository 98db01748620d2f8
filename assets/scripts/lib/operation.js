// One operation of the API: what it takes, what it answers, and a form to try it.

import { h } from "./dom.js";
import { at, t } from "./page.js";

/** Follows `$ref`s within the document. */
export function resolver(document) {
  return (one) => {
    let found = one;
    while (found?.$ref) found = found.$ref.slice(2).split("/").reduce((node, key) => node?.[key], document);
    return found ?? {};
  };
}

function example(schema, resolve, depth = 0) {
  const one = resolve(schema);
  if (one.example !== undefined) return one.example;
  if (one.examples?.length) return one.examples[0];
  const type = [one.type].flat()[0];
  if (depth > 5) return null;
  if (one.allOf) return Object.assign({}, ...one.allOf.map((part) => example(part, resolve, depth + 1)));
  if (one.oneOf ?? one.anyOf) return example((one.oneOf ?? one.anyOf)[0], resolve, depth + 1);
  if (one.enum) return one.enum[0];
  if (type === "array") return [example(one.items ?? {}, resolve, depth + 1)];
  if (type === "object" || one.properties) {
    const pairs = Object.entries(one.properties ?? {});
    return Object.fromEntries(pairs.map(([name, value]) => [name, example(value, resolve, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false }[type] ?? null;
}

function bodyOf(operation, resolve) {
  const content = Object.values(resolve(operation.requestBody).content ?? {})[0];
  if (!content) return null;
  const first = Object.values(content.examples ?? {})[0];
  const value = content.example ?? resolve(first).value ?? example(content.schema ?? {}, resolve);
  return JSON.stringify(value, null, 2);
}

function parameterRow(parameter) {
  const id = `p${parameterRow.next++}`;
  const { name, description, required, schema = {} } = parameter;
  const input = h("input", { id, name, type: "text", required, "data-in": parameter.in, placeholder: String(schema.default ?? "") });
  const about = [parameter.in, required && t("api.required"), description].filter(Boolean).join(" · ");
  return h("p", { class: "parameter" }, h("label", { for: id }, h("code", {}, name)), input, h("small", {}, about));
}
parameterRow.next = 0;

/** Sends what the form says; the answer is shown as it came. */
async function send(form, method, path, output) {
  let address = path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input[name]")) {
    if (input.dataset.in === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "query" && input.value) query.append(input.name, input.value);
  }
  const token = document.querySelector("#token input").value;
  const body = form.querySelector("textarea")?.value;
  const sends = body && method !== "get";
  const headers = { ...(token && { "X-API-KEY": token }), ...(sends && { "Content-Type": "application/json" }) };
  output.textContent = "…";
  try {
    const response = await fetch(at(address.slice(1)) + (query.size ? `?${query}` : ""), {
      method: method.toUpperCase(), headers, ...(sends && { body }),
    });
    const text = await response.text();
    output.textContent = `${response.status} ${response.statusText}\n\n${pretty(text)}`;
  } catch (error) {
    output.textContent = `${t("error.title")} (${error.message})`;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, 200_000);
  } catch {
    return text;
  }
}

/** The element of an operation; its inside is made when it is opened. */
export function operationElement(method, path, item, resolve) {
  const operation = item[method];
  const details = h(
    "details",
    { class: "operation", id: operation.operationId },
    h("summary", {}, h("span", { class: `method ${method}` }, method.toUpperCase()), h("code", {}, path), h("span", { class: "summary" }, operation.summary ?? "")),
  );
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(inside(method, path, item, resolve));
  });
  return details;
}

function inside(method, path, item, resolve) {
  const operation = item[method];
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve).filter((one) => one.in !== "header");
  const output = h("pre", { class: "answer", tabindex: "0", "aria-live": "polite", "aria-label": t("api.answer"), role: "region" });
  const body = bodyOf(operation, resolve);
  const submit = (event) => {
    event.preventDefault();
    send(event.target, method, path, output);
  };
  const answers = Object.entries(operation.responses ?? {}).map(([status, one]) => [
    h("dt", {}, h("code", {}, status)),
    h("dd", {}, resolve(one).description ?? ""),
  ]);
  return h(
    "div",
    { class: "operation-inside" },
    operation.description && h("p", { lang: "en" }, operation.description),
    h(
      "form",
      { onsubmit: submit, autocomplete: "off" },
      parameters.map(parameterRow),
      body && method !== "get" && h("label", { class: "body" }, t("api.body"), h("textarea", { rows: Math.min(14, body.split("\n").length + 1), spellcheck: "false" }, body)),
      h("button", { class: "primary" }, t("api.send")),
    ),
    output,
    h("h3", {}, t("api.answers")),
    h("dl", { class: "facts", lang: "en" }, answers),
  );
}
