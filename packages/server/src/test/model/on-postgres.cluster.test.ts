import { describe } from "vitest";
import { makeDatabasesBy } from "../orchestrate.ts";
import { scratchPostgres } from "../scratch-postgres.ts";

// What the embedded store is tested with, on a PostgreSQL server. The suites register themselves when they are imported.
makeDatabasesBy(scratchPostgres);

describe("on PostgreSQL: cancelling", () => import("./cancelling.test.ts").then(() => {}));
describe("on PostgreSQL: priority order", () => import("./priority-order.test.ts").then(() => {}));
describe("on PostgreSQL: the queue", () => import("./queue-model.test.ts").then(() => {}));
describe("on PostgreSQL: settling", () => import("./settling.test.ts").then(() => {}));
