// Builds every package to its dist folder. Plain JavaScript, because it runs before anything is built.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = (file, args) => {
  const { status, error } = spawnSync(process.execPath, [join(root, file), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
};

run("node_modules/typescript/bin/tsc", ["-b"]);

// The migrations are read as files at run time, so they go where the compiled code looks for them.
const migrations = join("packages", "server", "src", "migrations");
const target = join(root, "packages", "server", "dist", "migrations");
mkdirSync(target, { recursive: true });
// One that was renamed meanwhile would look like one more, and the server refuse to start.
for (const file of readdirSync(target)) if (file.endsWith(".sql")) rmSync(join(target, file));
for (const file of readdirSync(join(root, migrations)))
  if (file.endsWith(".sql")) copyFileSync(join(root, migrations, file), join(target, file));

run("scripts/build-template.mjs", []);
