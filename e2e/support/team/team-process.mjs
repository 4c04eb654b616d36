// The team as a process of its own, which kills itself with SIGKILL right behind the n-th entry of its journals that was
// acknowledged. TEAM_PLACE is JSON; ENTRIES_FILE gets a line for each entry; KILL_BEHIND is n, 0 for never.
import { appendFileSync } from "node:fs";
import { startTeam } from "./team-agents.mjs";

const { TEAM_PLACE = "", ENTRIES_FILE = "", KILL_BEHIND } = process.env;
let entries = 0;
await startTeam(JSON.parse(TEAM_PLACE), (taskId, key) => {
  appendFileSync(ENTRIES_FILE, `entry ${taskId} ${key}\n`);
  if (++entries === Number(KILL_BEHIND)) process.kill(process.pid, "SIGKILL");
  return false;
});
console.log("The team is here.");
