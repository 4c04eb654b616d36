// Ends with 0 when a node answers at the address that is given, else with 1: the HEALTHCHECK of the image, which
// has no curl. Plain JavaScript without an import, since it starts anew every few seconds.
const withinMs = 4_000;

try {
  const { ok, status } = await fetch(process.argv[2], { signal: AbortSignal.timeout(withinMs) });
  if (!ok) throw new Error(`status ${status}`);
} catch (error) {
  console.error(`${process.argv[2]}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
