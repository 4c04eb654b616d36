/** The variable that fixes what random tests draw, so that one commit gives one verdict. */
const variable = "MUSTER_TEST_SEED";
const mostSeed = 2 ** 31 - 1;

/** The seed that random tests are told to start from; undefined: a fresh one each. Throws where it is no seed. */
export function fixedSeed(environment: Record<string, string | undefined> = process.env): number | undefined {
  const given = environment[variable];
  if (given === undefined || given === "") return undefined;
  const seed = Number(given);
  if (!Number.isInteger(seed) || seed < 0 || seed > mostSeed)
    throw new Error(`${variable} is a whole number from 0 to ${mostSeed}, not "${given}".`);
  return seed;
}

/** A seed that nobody has chosen. */
export const freshSeed = (): number => Math.floor(Math.random() * (mostSeed + 1));

/**
 * The seed of a random test: `MUSTER_TEST_SEED`, or a fresh one. A test names it in its name or in what it prints, so that
 * one that fails can be had again.
 */
export const testSeed = (): number => fixedSeed() ?? freshSeed();
