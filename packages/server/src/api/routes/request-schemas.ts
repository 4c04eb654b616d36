import { limits } from "@muster/sdk/protocol";
import Type from "typebox";

/** Parts of addresses and query strings that several routes share. */

export const TaskOrRunId = Type.Object(
  { id: Type.String({ format: "uuid" }) },
  { additionalProperties: false },
);

export const AgentId = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: limits.nameLength }) },
  { additionalProperties: false },
);

export const WaitMs = (options: { default: number; description: string }) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: limits.longPollMs, ...options }));

/** Query of `GET /v1/tasks/:id` and `GET /v1/runs/:id`. */
export const WaitQuery = Type.Object(
  { waitMs: WaitMs({ default: 0, description: "Answer when it has ended, or after this long." }) },
  { additionalProperties: false },
);

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 50 })),
  before: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, description: "`next` of the page before this one." }),
  ),
};

export const FilterText = Type.Optional(Type.String({ minLength: 1, maxLength: limits.nameLength }));

/** Several values in one query parameter, separated by commas. */
export const CommaList = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 2048, description }));

export const splitCommas = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
