import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { isVersionSince } from "../nodes/look-at-database.ts";
import { createVectorExtension, readVectorExtension } from "../queue/statements/vector-index.ts";

/** What the extension `vector` can do here. */
export interface VectorSupport {
  /** An index over signs can be made (0.7 and later). */
  index: boolean;
  /** It goes on searching until enough of the right spaces was found (0.8 and later). */
  iterative: boolean;
}

/** An extension that is not there may be installed, or become allowed, while we run. */
const lookAgainMs = 60_000;
const none: VectorSupport = { index: false, iterative: false };

/** Creates the extension where it may, and says once in the log where it may not. */
export function createVectorSupport(database: Database, clock: Clock, log: Log) {
  let known: { support: VectorSupport; at: number } | null = null;
  let told = "";

  function tell(why: string, error?: unknown): VectorSupport {
    if (told !== why)
      log.info(error === undefined ? {} : { error }, `${why}: meanings are compared without an index.`);
    told = why;
    return none;
  }

  async function find(): Promise<VectorSupport> {
    let [row] = await database.query(readVectorExtension);
    let refusal: unknown;
    if (row?.version === null && row.available) {
      // Another node may do it at this moment; what is there afterwards counts.
      await database.execute(createVectorExtension).catch((error: unknown) => {
        refusal = error;
      });
      [row] = await database.query(readVectorExtension);
    }
    const version = row?.version ?? null;
    if (version === null && refusal !== undefined)
      return tell(
        "The extension vector is installed and may not be created by this user of the database",
        refusal,
      );
    if (version === null) return tell("The extension vector is not installed at this database");
    if (!isVersionSince(version, [0, 7]))
      return tell(`The extension vector is of version ${version}, and 0.7 is needed`);
    told = "";
    return { index: true, iterative: isVersionSince(version, [0, 8]) };
  }

  return {
    async supported(): Promise<VectorSupport> {
      if (known === null || (!known.support.index && clock.now() >= known.at + lookAgainMs))
        known = { support: await find(), at: clock.now() };
      return known.support;
    },
    /** What was known is not true any more. */
    forget(): void {
      known = null;
    },
  };
}
