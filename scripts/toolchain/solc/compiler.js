// The compiler as processes that answer one input after another: { ask(input) -> Promise of what solc says, end() }.
// This file is also what each such process runs.
"use strict";
const { fork, spawnSync } = require("child_process");
const os = require("os");

const MOST = 4; // each takes up to a gigabyte

const soljson = () => require("../../../node_modules/solc/soljson.js");
const version = () => soljson().UTF8ToString(soljson()._solidity_version());

// `solc.compile` with a read callback dies on inputs over 4 MB; the plain entry point does not.
function compile(json) {
  const solc = soljson();
  const bytes = Buffer.byteLength(json);
  const ptr = solc._solidity_alloc(bytes + 1);
  solc.stringToUTF8(json, ptr, bytes + 1);
  const said = solc.UTF8ToString(solc.cwrap("solidity_compile", "number", ["number", "number", "number"])(ptr, 0, 0));
  solc._solidity_reset(); // frees both
  return said;
}

function start() {
  const child = fork(__filename, { execArgv: ["--stack-size=60000"] });
  const ask = (input) =>
    new Promise((resolve, reject) => {
      const ended = (status, signal) => reject(new Error(`the compiler ended with ${signal || `status ${status}`}`));
      child.once("exit", ended);
      child.once("message", (said) => {
        child.removeListener("exit", ended);
        resolve(JSON.parse(said));
      });
      child.send(JSON.stringify(input));
    });
  return { ask, end: () => child.kill() };
}

function processes() {
  return Array.from({ length: Math.min(os.cpus().length, MOST) }, start);
}

// A native one is fast enough alone.
function native(command) {
  const ask = async (input) => {
    const ran = spawnSync(command, ["--standard-json"], { input: JSON.stringify(input), maxBuffer: 2 ** 30 });
    process.stderr.write(ran.stderr);
    if (ran.status !== 0) throw new Error(`${command} ended with status ${ran.status}`);
    return JSON.parse(ran.stdout);
  };
  return [{ ask, end: () => {} }];
}

if (require.main === module) process.on("message", (json) => process.send(compile(json)));

module.exports = { native, processes, version };
