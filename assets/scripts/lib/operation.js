// One operation of the API: what it takes, what it answers, and a form to try it.

import { byId, h } from "./dom.js";
import { at, t } from "./page.js";

/** Follows `$ref`s within the document. */
export function resolver(document) {
  return (one) => {
    let found = one;
    while (found?.$ref)
      found = found.$ref
        .slice(2)
        .split("/")
        .reduce((node, key) => node?.[key], document);
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

function parameterRow(parameter, resolve) {
  const id = `p${parameterRow.next++}`;
  const { name, description, required } = parameter;
  const schema = resolve(parameter.schema ?? {});
  const attributes = { id, name, required, "data-in": parameter.in };
  const sample = parameter.example ?? Object.values(parameter.examples ?? {})[0]?.value ?? schema.example ?? schema.examples?.[0];
  // What is required begins with something that works; the rest begins empty.
  const first = required ? (sample ?? schema.enum?.[0] ?? "") : "";
  const option = (value) => h("option", { value, selected: String(value) === String(first) }, String(value));
  const input = schema.enum
    ? h("select", attributes, required ? null : h("option", { value: "" }, ""), schema.enum.map(option))
    : h("input", { ...attributes, type: "text", value: first, placeholder: String(schema.default ?? sample ?? "") });
  const about = [parameter.in, required && t("api.required"), description].filter(Boolean).join(" · ");
  return h("p", { class: "parameter" }, h("label", { for: id }, h("code", {}, name)), input, h("small", {}, about));
}
parameterRow.next = 0;

/** What the form says: where it goes, and with which head and body. */
function requestOf(form, method, path) {
  let address = path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("[data-in]")) {
    if (input.dataset.in === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "query" && input.value) query.append(input.name, input.value);
  }
  const token = /** @type {HTMLInputElement} */ (byId("token").querySelector("input")).value;
  const body = form.querySelector("textarea")?.value;
  const sends = body && method !== "get";
  const headers = { ...(token && { "X-API-KEY": token }), ...(sends && { "Content-Type": "application/json" }) };
  const text = query.toString();
  return { url: at(address.slice(1)) + (text ? `?${text}` : ""), method: method.toUpperCase(), headers, ...(sends && { body }) };
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same as a line for a shell; the token stays where it is typed. */
function curl({ url, method, headers, body }, needsToken) {
  const fields = Object.entries({ ...headers, ...(needsToken && { "X-API-KEY": "$TOKEN" }) });
  return [
    "curl",
    method !== "GET" && `-X ${method}`,
    ...fields.map(([name, value]) => (name === "X-API-KEY" ? `-H "X-API-KEY: $TOKEN"` : `-H ${quoted(`${name}: ${value}`)}`)),
    body && `--data-binary ${quoted(body)}`,
    quoted(url),
  ]
    .filter(Boolean)
    .join(" ");
}

/** More than this is cut: browsers are slow to lay it out. */
const MOST_SHOWN = 200_000;

/** Sends what the form says; the answer is shown as it came. */
async function send({ url, ...request }, output) {
  output.textContent = "…";
  try {
    const response = await fetch(url, request);
    const text = pretty(await response.text());
    const cut = text.length > MOST_SHOWN ? `\n\n${t("api.cut", { shown: MOST_SHOWN, all: text.length })}` : "";
    output.textContent = `${response.status} ${response.statusText}\n\n${text.slice(0, MOST_SHOWN)}${cut}`;
  } catch (error) {
    output.textContent = `${t("error.title")} (${error instanceof Error ? error.message : error})`;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
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
    h(
      "summary",
      {},
      h("span", { class: `method ${method}` }, method.toUpperCase()),
      h("code", {}, path),
      h("span", { class: "summary", lang: "en" }, operation.summary ?? ""),
    ),
  );
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(inside(method, path, item, resolve));
    // Its place can be linked to.
    if (details.open) history.replaceState(null, "", `#${details.id}`);
  });
  return details;
}

function inside(method, path, item, resolve) {
  const operation = item[method];
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve).filter((one) => one.in !== "header");
  const output = h("pre", { class: "answer", tabindex: "0", "aria-live": "polite", "aria-label": t("api.answer"), role: "region" });
  const body = bodyOf(operation, resolve);
  const line = h("pre", { class: "curl", tabindex: "0", "aria-label": "curl", role: "region" });
  const needsToken = !(operation.security && !operation.security.length);
  const follow = () => (line.textContent = curl(requestOf(form, method, path), needsToken));
  const submit = (event) => {
    event.preventDefault();
    send(requestOf(form, method, path), output);
  };
  const answers = Object.entries(operation.responses ?? {}).map(([status, one]) => [
    h("dt", {}, h("code", {}, status)),
    h("dd", {}, resolve(one).description ?? ""),
  ]);
  const form = h(
    "form",
    { onsubmit: submit, oninput: follow, autocomplete: "off" },
    parameters.map((one) => parameterRow(one, resolve)),
    body &&
      method !== "get" &&
      h(
        "label",
        { class: "body" },
        t("api.body"),
        h("textarea", { rows: Math.min(14, body.split("\n").length + 1), spellcheck: "false" }, body),
      ),
    h("button", { class: "primary" }, t("api.send")),
  );
  follow();
  return h(
    "div",
    { class: "operation-inside" },
    operation.description && h("p", { lang: "en" }, operation.description),
    form,
    line,
    output,
    h("h3", {}, t("api.answers")),
    h("dl", { class: "facts", lang: "en" }, answers),
  );
}
