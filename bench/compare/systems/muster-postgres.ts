import type { System } from "../system.ts";
import { openMuster } from "./muster-in-one-process.ts";

export const musterPostgres: System = {
  title: "Muster, PostgreSQL",
  package: "muster",
  setup: "one process, in-process bus, 4 connections; 4 agents of 200 slots",
  durability: "submitted and settled work is synced to disk; claims are not",
  needs: ["folder", "postgres"],
  open: ({ folder, databaseUrl }) => openMuster({ dataDir: folder, databaseUrl }),
};
