// Writes debian/copyright in its machine-readable form: copyright.mjs HEAD < what `monarc-stats licenses` prints.

import { readFileSync } from "node:fs";

const [head, ...parts] = readFileSync(0, "utf8").split(/^\[\d+\] -{72}\n/m);
const texts = parts.map((text) => text.trim());
// Debian has these on every machine, and wants them referred to: the words of each from its first to its last.
const common = {
  "Apache-2.0": /Apache License\s+Version 2\.0, January 2004[\s\S]*?END OF TERMS AND CONDITIONS(\s+APPENDIX[\s\S]*?limitations under the License\.)?/g,
  "LGPL-2.1": /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1[\s\S]*/g,
};

function indented(text) {
  return text.split("\n").map((line) => ` ${line.trimEnd() || "."}`).join("\n");
}

function body(text) {
  const shorter = Object.entries(common).reduce(
    (left, [name, words]) => left.replaceAll(words, `On Debian systems its words are in /usr/share/common-licenses/${name}.`),
    text,
  );
  return indented(shorter.trim());
}

/** Everybody who is named in the texts of a package. */
function holders(name, numbers) {
  const lines = numbers.flatMap((number) => texts[number - 1].split("\n")).map((line) => line.trim());
  const named = lines.filter((line) => /^(copyright|\(c\)|©).*\d{4}/i.test(line)).map((line) => line.replace(/^copyright:?\s*/i, ""));
  return named.length > 0 ? [...new Set(named)].join("\n ") : `the authors of ${name}`;
}

const stanzas = head.split("\n").flatMap((line) => {
  const [, name, version, licence, list] = /^(\S+) (\S+): (.*?) ((?:\[\d+\])*)$/.exec(line) ?? [];
  if (!name) return [];
  const numbers = [...list.matchAll(/\d+/g)].map(Number);
  const terms = licence.replaceAll(" OR ", " or ").replaceAll(" AND ", " and ");
  const where = numbers.length > 0 ? `Its words are those of ${numbers.map((n) => `text-${n}`).join(", ")} below.` : "It comes without words.";
  return [`Files: ${name}-${version}/*\nCopyright: ${holders(name, numbers)}\nLicense: ${terms}\n ${where}`];
});
const words = texts.map((text, index) => `License: text-${index + 1}\n${body(text)}`);
const own = readFileSync("../../LICENSE", "utf8").trim();
console.log([`${readFileSync(process.argv[2], "utf8").trim()}\n .\n${indented(own)}`, ...stanzas, ...words].join("\n\n"));
