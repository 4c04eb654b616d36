import { proveLocks } from "../queue/statements/locks.ts";
import type { ProveLocks } from "./write-together.ts";

/** Asks the locks themselves. */
export const proveGrants: ProveLocks = async (tx, locks, now) => {
  const rows = await tx.query(proveLocks, [JSON.stringify(locks), now]);
  return locks.map(({ tenant, name, token }) => {
    const row = rows.find((one) => one.tenant === tenant && one.name === name && one.token === token);
    return row?.fence ?? null;
  });
};
