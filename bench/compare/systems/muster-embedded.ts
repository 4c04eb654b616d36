import type { System } from "../system.ts";
import { openMuster } from "./muster-in-one-process.ts";

export const musterEmbedded: System = {
  title: "Muster, embedded",
  package: "muster",
  setup: "one process with its own store; 4 agents of 200 slots",
  durability: "submitted and settled work is synced to disk; claims are not",
  needs: ["folder"],
  open: ({ folder }) => openMuster({ dataDir: folder }),
};
