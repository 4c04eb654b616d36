#!/usr/bin/env node
// Plain JavaScript that any Node.js understands, so that an old one gets a sentence and no syntax error.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: Muster needs Node.js 20.19 or newer; this is ${process.versions.node}`);
  process.exit(2);
}
module.enableCompileCache?.();
const { main } = await import("../dist/cli/main.js");
await main();
