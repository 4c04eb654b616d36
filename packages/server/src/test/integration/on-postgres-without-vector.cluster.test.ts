import { describe } from "vitest";
import { makeDatabasesBy } from "../orchestrate.ts";
import { scratchPostgresWithoutVector } from "../scratch-postgres.ts";

// As a user of the database who may create no extension, whether the server has pgvector or not. The suite beside this one,
// on-postgres.cluster.test.ts, has it where the server does.
makeDatabasesBy(scratchPostgresWithoutVector);

describe("without pgvector: memories", () => import("./memories.test.ts").then(() => {}));
describe("without pgvector: what memories mean", () => import("./memory-meanings.test.ts").then(() => {}));
describe("without pgvector: many memories", () => import("./memory-index.test.ts").then(() => {}));
