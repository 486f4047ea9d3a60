#!/usr/bin/env node
// Copies a script, with a line above it: a bundler small enough to need no registry.
const fs = require("fs");
const path = require("path");

const [source, destination] = process.argv.slice(2);
fs.mkdirSync(path.dirname(destination), { recursive: true });
fs.writeFileSync(destination, `/* built by node ${process.versions.node.split(".")[0]} */\n${fs.readFileSync(source)}`);
