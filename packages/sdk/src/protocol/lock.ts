import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

/** What a lock is called: it stands for whatever those who take it mean by it. */
export const LockName = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
  minLength: 1,
  maxLength: limits.nameLength,
  description: "Letters, digits and . _ : / @ -, beginning with a letter or digit.",
});

const Token = Type.String({ format: "uuid" });
const TtlMs = Type.Integer({
  minimum: limits.lockLeastTtlMs,
  maximum: limits.lockTtlMs,
  description: "The lock is free again after this long, unless it is renewed.",
});
const closed = { additionalProperties: false } as const;

/** What it takes to take a lock. */
export const lockRequest = {
  name: LockName,
  ttlMs: Type.Optional(TtlMs),
  waitMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: limits.lockWaitMs,
      description: "Stand in line for this long; 0, the default: not at all.",
    }),
  ),
  token: Type.Optional(
    Type.String({
      format: "uuid",
      description:
        "Made by the caller: a call that is repeated with it keeps its place in line, or gets the same grant again.",
    }),
  ),
};
export const LockRequest = Type.Object(lockRequest, { $id: "LockRequest", ...closed });
export type LockRequest = Static<typeof LockRequest>;

export const lockRenewal = { name: LockName, token: Token, ttlMs: Type.Optional(TtlMs) };
export const LockRenewal = Type.Object(lockRenewal, { $id: "LockRenewal", ...closed });
export type LockRenewal = Static<typeof LockRenewal>;

/** A lock as its holder has it. */
export const LockGrant = Type.Object(
  {
    name: Type.String(),
    token: Type.String({ description: "Proves the grant. Keep it to yourself." }),
    fence: Type.Integer({
      description: "Grows with every grant of the lock: whoever writes under an older number came too late.",
    }),
    expiresAt: Type.String({ format: "date-time" }),
  },
  { $id: "LockGrant" },
);
export type LockGrant = Static<typeof LockGrant>;

export const LockAnswer = Type.Object(
  {
    grant: Type.Union([LockGrant, Type.Null()]),
    position: Type.Union([Type.Integer(), Type.Null()], {
      description: "The place in line, where there is still time to wait: call again with the same token.",
    }),
  },
  { $id: "LockAnswer" },
);
export type LockAnswer = Static<typeof LockAnswer>;

/** A lock as others see it. */
export const Lock = Type.Object(
  {
    name: Type.String(),
    tenant: Type.String(),
    fence: Type.Integer(),
    holder: Type.Union([Type.String(), Type.Null()], { description: "Who holds it; null: it is free." }),
    taskId: Type.Union([Type.String(), Type.Null()], { description: "The task whose attempt holds it." }),
    acquiredAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
    expiresAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
    waiting: Type.Integer({ description: "How many stand in line." }),
  },
  { $id: "Lock" },
);
export type Lock = Static<typeof Lock>;

export const LockDetail = Type.Object(
  {
    ...Lock.properties,
    line: Type.Array(
      Type.Object({ holder: Type.String(), taskId: Type.Union([Type.String(), Type.Null()]) }),
      { description: "Those who wait, the next one first; at most 100." },
    ),
  },
  { $id: "LockDetail" },
);
export type LockDetail = Static<typeof LockDetail>;

export interface LockFilter {
  prefix?: string;
  limit?: number;
  /** The name of a lock: those behind it in the order of names. */
  after?: string;
}
