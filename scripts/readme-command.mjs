// Prints the command that the README gives for testing. Plain JavaScript: it runs before anything is installed.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const readme = join(dirname(fileURLToPath(import.meta.url)), "..", "README.md");
const marked = /<!-- \.ci\/run runs this -->\s*```sh\n([^\n]+)\n```/.exec(readFileSync(readme, "utf8"));
if (marked === null) {
  console.error(
    "README.md: the comment <!-- .ci/run runs this --> must stand before a block with one command",
  );
  process.exit(1);
}
console.log(marked[1]);
