import { describeLocksContract } from "../../../test/contracts/locks.ts";
import { createSystemClock } from "../../clock/system-clock.ts";
import { createInMemoryLocks } from "./create-in-memory-locks.ts";

describeLocksContract("locks in memory", () => {
  const locks = createInMemoryLocks({ clock: createSystemClock() });
  return [locks, locks];
});
