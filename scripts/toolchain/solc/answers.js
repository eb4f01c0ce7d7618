// What solc answers: made by several processes at once, and kept for whoever asks the same again.
//
// Generating code takes nearly all the time, and only one thread. So the files whose code is wanted are dealt out in
// portions; all files are given with each, since names in generated code are numbered over everything given: the bytes
// are those of a single run. The package's build and brownie's want the same code with different details: what is made
// first holds both's, and the second is answered from it.
"use strict";
const { createHash } = require("crypto");
const fs = require("fs");
const path = require("path");

const PORTIONS = 8; // per process: as even as need be, while reading all files again costs a second or two
const KEPT = 4; // answers: up to 35 MB each
const DETAILS = ["abi", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers", "storageLayout"];

function wantsCode(selection) {
  return Object.values(selection).some((file) => Object.values(file).flat().some((name) => name.startsWith("evm")));
}

// A file's work, by the text of what it imports, interfaces left out: libraries are generated into whoever uses them.
function work(name, sources) {
  const found = new Set([name]);
  for (const file of found) {
    for (const [, target] of sources[file].content.matchAll(/\bimport\b[^"';]*["'](\.[^"']+)["']/g)) {
      const next = path.posix.join(path.posix.dirname(file), target);
      if (sources[next] && !/\binterfaces\//.test(next)) found.add(next);
    }
  }
  return [...found].reduce((sum, file) => sum + sources[file].content.length, 0);
}

// The longest work first, in lists of about the same.
function portions(sources, count) {
  const files = Object.keys(sources).map((name) => ({ name, work: work(name, sources) }));
  const least = files.reduce((sum, file) => sum + file.work, 0) / count;
  const lists = [];
  let sum = least;
  for (const file of files.sort((a, b) => b.work - a.work)) {
    if (sum >= least) lists.push(((sum = 0), []));
    lists[lists.length - 1].push(file.name);
    sum += file.work;
  }
  return lists;
}

// The answers as one: contracts side by side, each message once.
function merge(answers) {
  const merged = { contracts: {}, sources: {}, errors: [] };
  const known = new Set();
  for (const { contracts, sources, errors } of answers) {
    Object.assign(merged.contracts, contracts);
    for (const [name, source] of Object.entries(sources || {})) merged.sources[name] = { ...merged.sources[name], ...source };
    for (const message of errors || []) {
      if (!known.has(message.formattedMessage)) merged.errors.push(message);
      known.add(message.formattedMessage);
    }
  }
  return merged;
}

async function generate(input, processes) {
  const todo = portions(input.sources, processes.length === 1 ? 1 : PORTIONS * processes.length);
  const answers = [];
  const serve = async (solc) => {
    while (todo.length) {
      const outputSelection = Object.fromEntries(todo.shift().map((name) => [name, { "*": DETAILS, "": ["ast"] }]));
      answers.push(await solc.ask({ ...input, settings: { ...input.settings, outputSelection } }));
    }
  };
  await Promise.all(processes.map(serve));
  return merge(answers);
}

// All or nothing: a reader never sees half an answer. Those made last stay.
function keep(folder, file, said) {
  fs.mkdirSync(folder, { recursive: true });
  const partial = `${file}.${process.pid}`;
  fs.writeFileSync(partial, said);
  fs.renameSync(partial, file);
  const made = (name) => fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const names = fs.readdirSync(folder).sort((a, b) => made(b) - made(a));
  for (const old of names.slice(KEPT)) fs.rmSync(path.join(folder, old), { force: true });
}

// The answer as text; `folder` is where those with code are kept.
async function answer(input, processes, folder) {
  const { outputSelection, ...settings } = input.settings;
  if (!wantsCode(outputSelection || {})) return JSON.stringify(await processes[0].ask(input));
  const sorted = (object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = createHash("sha256").update(JSON.stringify([sorted(settings), sorted(input.sources)])).digest("hex");
  const file = path.join(folder, `${key}.json`);
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8");
  const made = await generate(input, processes);
  const said = JSON.stringify(made);
  if (!made.errors.some((message) => message.severity === "error")) keep(folder, file, said);
  return said;
}

module.exports = { answer };
