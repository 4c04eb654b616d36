import Type from "typebox";

/** What is done about tasks that wait for each other. */
export const deadlockSetting = Type.Enum(["fail-youngest", "fail-cheapest", "report"], {
  default: "fail-youngest",
  variable: "MUSTER_DEADLOCKS",
  description:
    "What is done about tasks that wait for each other: the youngest, or the one that worked least, gives way, or it is only reported.",
  example: "report",
  scope: "server",
});
